"""Questions that Mixpanel answers itself, each at the cost of a request: the methods of ``Workspace`` that ask them."""
