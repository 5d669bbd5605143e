#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "collab_mapping.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MOST_WATCHES = 4096 };

/// A mapping's first byte and the one behind its last; `first` is UINTPTR_MAX while nothing is watched here.
typedef struct {
    _Atomic uintptr_t first;
    _Atomic uintptr_t end;
    atomic_int lost;
    int taken;  // under the lock
} Watch;

static Watch watches[MOST_WATCHES];
/// How many entries of the table have ever been used: what the handler has to look through.
static atomic_int used;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct sigaction before;
static uintptr_t page_size;

/// Hands a fault that is none of ours to the handler before this one, or lets it end the process.
static void pass_on(int number, siginfo_t *info, void *context) {
    if (before.sa_flags & SA_SIGINFO) {
        before.sa_sigaction(number, info, context);
    } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
        before.sa_handler(number);
    } else {
        const int was_sent = info->si_code <= 0;
        if (was_sent && before.sa_handler == SIG_IGN) return;
        signal(number, SIG_DFL);
        // A fault comes again by itself, since the instruction runs again; a signal that somebody sent does not.
        if (was_sent) raise(number);
    }
}

static void handle(int number, siginfo_t *info, void *context) {
    const uintptr_t address = (uintptr_t)info->si_addr;
    const int count = info->si_code > 0 ? atomic_load(&used) : 0;
    for (int index = 0; index < count; index++) {
        Watch *watch = &watches[index];
        const uintptr_t first = atomic_load(&watch->first);
        const uintptr_t end = atomic_load(&watch->end);
        if (address < first || address >= end || atomic_load(&watch->first) != first) continue;
        // Whoever reads here keeps the mapping, so the watch is not given to another meanwhile.
        const uintptr_t page = address & ~(page_size - 1);
        const int saved = errno;
        atomic_store(&watch->lost, 1);
        const void *zeros =
            mmap((void *)page, end - page, PROT_READ, MAP_PRIVATE | MAP_ANON | MAP_FIXED, -1, 0);
        errno = saved;
        if (zeros != MAP_FAILED) return;
        break;
    }
    pass_on(number, info, context);
}

static void install(void) {
    page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (int index = 0; index < MOST_WATCHES; index++) atomic_store(&watches[index].first, UINTPTR_MAX);
    struct sigaction action = {0};
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &before);
}

int collab_mapping_watch(const void *start, size_t length) {
    pthread_once(&once, install);
    pthread_mutex_lock(&lock);
    int found = -1;
    for (int index = 0; index < MOST_WATCHES; index++) {
        if (watches[index].taken) continue;
        found = index;
        break;
    }
    if (found >= 0) {
        Watch *watch = &watches[found];
        watch->taken = 1;
        atomic_store(&watch->lost, 0);
        atomic_store(&watch->end, (uintptr_t)start + length);
        atomic_store(&watch->first, (uintptr_t)start);
        if (atomic_load(&used) <= found) atomic_store(&used, found + 1);
    }
    pthread_mutex_unlock(&lock);
    return found;
}

int collab_mapping_lost_pages(int watch) {
    return watch >= 0 && atomic_load(&watches[watch].lost);
}

void collab_mapping_forget(int watch) {
    if (watch < 0) return;
    pthread_mutex_lock(&lock);
    atomic_store(&watches[watch].first, UINTPTR_MAX);
    watches[watch].taken = 0;
    pthread_mutex_unlock(&lock);
}
