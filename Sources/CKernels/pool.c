// A team of threads: short spins, then sleep.
#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "collab_place.h"
#include "collab_pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

struct collab_pool {
    int workers;
    pthread_t *threads;
    /// One run at a time.
    pthread_mutex_t turn;

    void (*body)(void *, int);
    void *context;
    /// Where the caller runs.
    int core;
    /// Raised by one for every run, and when the threads shall end.
    _Alignas(64) atomic_uint generation;
    atomic_bool ending;
    _Alignas(64) atomic_int arrived;
    _Alignas(64) atomic_uint phase;

    /// Threads that sleep until one of the counters above changes.
    _Alignas(64) atomic_int sleepers;
    pthread_mutex_t sleep;
    pthread_cond_t changed;
};

typedef struct {
    collab_pool *pool;
    int worker;
} collab_member;

static inline void pause_briefly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

static uint64_t nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

enum { SPIN_NANOSECONDS = 50000 };

/// Spins until *word differs from `old`, for 50 µs at most; whether it does.
static bool spin_while(atomic_uint *word, unsigned old) {
    uint64_t deadline = 0;
    for (;;) {
        for (int i = 0; i < 64; i++) {
            if (atomic_load_explicit(word, memory_order_acquire) != old) return true;
            pause_briefly();
        }
        const uint64_t now = nanoseconds();
        if (deadline == 0) deadline = now + SPIN_NANOSECONDS;
        else if (now > deadline) return false;
    }
}

static void wait_while(collab_pool *pool, atomic_uint *word, unsigned old) {
    if (spin_while(word, old)) return;
    pthread_mutex_lock(&pool->sleep);
    // Sequentially consistent: either the changer sees this sleeper, or the sleeper sees the change.
    atomic_fetch_add(&pool->sleepers, 1);
    while (atomic_load(word) == old) pthread_cond_wait(&pool->changed, &pool->sleep);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->sleep);
}

static void change(collab_pool *pool, atomic_uint *word) {
    atomic_fetch_add(word, 1);
    if (atomic_load(&pool->sleepers) == 0) return;
    pthread_mutex_lock(&pool->sleep);
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->sleep);
}

void collab_pool_barrier(collab_pool *pool) {
    if (pool->workers == 1) return;
    const unsigned phase = atomic_load_explicit(&pool->phase, memory_order_acquire);
    if (atomic_fetch_add_explicit(&pool->arrived, 1, memory_order_acq_rel) == pool->workers - 1) {
        atomic_store_explicit(&pool->arrived, 0, memory_order_relaxed);
        change(pool, &pool->phase);
    } else {
        wait_while(pool, &pool->phase, phase);
    }
}

static void *member_main(void *argument) {
    const collab_member member = *(collab_member *)argument;
    free(argument);
    collab_pool *pool = member.pool;
    unsigned seen = 0;
    for (;;) {
        wait_while(pool, &pool->generation, seen);
        seen++;
        if (atomic_load(&pool->ending)) return 0;
        if (pool->core >= 0 && collab_current_core() == pool->core) collab_leave_cores(&pool->core, 1);
        pool->body(pool->context, member.worker);
        collab_pool_barrier(pool);
    }
}

static void destroy(collab_pool *pool, int started) {
    atomic_store(&pool->ending, true);
    change(pool, &pool->generation);
    for (int i = 0; i < started; i++) pthread_join(pool->threads[i], 0);
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->sleep);
    pthread_mutex_destroy(&pool->turn);
    free(pool->threads);
    free(pool);
}

collab_pool *collab_pool_create(int workers) {
    if (workers < 1) workers = 1;
    void *memory = 0;
    if (posix_memalign(&memory, 64, sizeof(collab_pool)) != 0) return 0;
    collab_pool *pool = memory;
    *pool = (collab_pool){.workers = workers};
    pool->threads = calloc((size_t)workers, sizeof(pthread_t));
    if (!pool->threads) {
        free(pool);
        return 0;
    }
    pthread_mutex_init(&pool->turn, 0);
    pthread_mutex_init(&pool->sleep, 0);
    pthread_cond_init(&pool->changed, 0);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 1 << 20);
    for (int i = 1; i < workers; i++) {
        collab_member *member = malloc(sizeof *member);
        if (member) *member = (collab_member){pool, i};
        if (!member || pthread_create(&pool->threads[i - 1], &attributes, member_main, member) != 0) {
            free(member);
            destroy(pool, i - 1);
            pthread_attr_destroy(&attributes);
            return 0;
        }
    }
    pthread_attr_destroy(&attributes);
    return pool;
}

void collab_pool_destroy(collab_pool *pool) {
    if (pool) destroy(pool, pool->workers - 1);
}

int collab_pool_workers(const collab_pool *pool) { return pool->workers; }

void collab_pool_run(collab_pool *pool, void (*body)(void *context, int worker), void *context) {
    if (pool->workers == 1) {
        pthread_mutex_lock(&pool->turn);
        body(context, 0);
        pthread_mutex_unlock(&pool->turn);
        return;
    }
    pthread_mutex_lock(&pool->turn);
    pool->body = body;
    pool->context = context;
    pool->core = collab_current_core();
    change(pool, &pool->generation);
    body(context, 0);
    collab_pool_barrier(pool);
    pthread_mutex_unlock(&pool->turn);
}
