"""Serves guests: joins networks that are ready to the services, and keeps answers in step with intent."""
