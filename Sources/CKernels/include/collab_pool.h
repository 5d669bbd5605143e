#ifndef COLLAB_POOL_H
#define COLLAB_POOL_H

#include "collab_dispatch.h"

/// A small team of threads that run one function together.
typedef struct collab_pool collab_pool;

/// Starts workers − 1 threads (the caller of collab_pool_run is worker 0); null when they cannot be started.
collab_pool *collab_pool_create(int workers);

/// Ends the threads. No run may be in progress.
void collab_pool_destroy(collab_pool *pool);

/// How many workers take part in a run.
int collab_pool_workers(const collab_pool *pool);

/// Calls body(context, worker) on every worker and returns when all have returned. Calls from several threads
/// take turns. A body must not run its own pool again.
void collab_pool_run(collab_pool *pool, void (*body)(void *context, int worker), void *context);

/// Inside a run: waits until every worker has come to the barrier.
void collab_pool_barrier(collab_pool *pool);

#endif
