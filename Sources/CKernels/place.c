// Where threads run. A scheduler may leave two busy threads on one core for as long as a step takes, with another core
// idle beside them: moving a thread that has just run looks dear to it.
#if defined(__linux__)
#define _GNU_SOURCE
#include <sched.h>
#endif
#include "collab_place.h"

#if defined(__linux__)

int collab_current_core(void) { return sched_getcpu(); }

static bool contains(const int *cores, int count, int core) {
    for (int i = 0; i < count; i++) {
        if (cores[i] == core) return true;
    }
    return false;
}

void collab_leave_cores(const int *taken, int count) {
    cpu_set_t allowed;
    // Fails on machines of more cores than the set has room for; there are enough then.
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    const int here = sched_getcpu();
    if (here < 0) return;
    for (int step = 1; step < CPU_SETSIZE; step++) {
        const int core = (here + step) % CPU_SETSIZE;
        if (!CPU_ISSET(core, &allowed) || contains(taken, count, core)) continue;
        cpu_set_t single;
        CPU_ZERO(&single);
        CPU_SET(core, &single);
        if (sched_setaffinity(0, sizeof single, &single) == 0) sched_setaffinity(0, sizeof allowed, &allowed);
        return;
    }
}

#else

int collab_current_core(void) { return -1; }

void collab_leave_cores(const int *taken, int count) {
    (void)taken;
    (void)count;
}

#endif
