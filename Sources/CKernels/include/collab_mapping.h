#ifndef COLLAB_MAPPING_H
#define COLLAB_MAPPING_H

#include <stddef.h>

/// Watches a read-only mapping of a file, so that pages which the file has lost meanwhile (it was cut short, or the
/// disk failed) read as zeros instead of ending the process with SIGBUS.
///
/// The first call installs a handler for SIGBUS that passes on every fault outside the watched mappings to the
/// handler before it. Returns the watch, or −1 where 4,096 mappings are being watched already.
int collab_mapping_watch(const void *start, size_t length);

/// Whether pages were lost since the watch began; asked after reading, it tells whether what was read is what the
/// file held. False for −1.
int collab_mapping_lost_pages(int watch);

/// Ends a watch; to be called before the mapping goes. Does nothing for −1.
void collab_mapping_forget(int watch);

#endif
