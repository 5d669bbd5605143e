#ifndef COLLAB_PLACE_H
#define COLLAB_PLACE_H

#include "collab_dispatch.h"

/// The core that the calling thread runs on; −1 where the system does not say.
int collab_current_core(void);

/// Moves the calling thread to another core than `taken`, if it may run on one, and leaves it free to be moved on.
void collab_leave_cores(const int *taken, int count);

#endif
