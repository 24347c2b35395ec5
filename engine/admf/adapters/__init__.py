"""Other people's front ends on this core. Each module needs the package it is named after; pages: engine/adapters."""
