// A narrow door to libcurl: transfers on a loop that one thread turns.
//
// No libcurl type or number crosses this header. Every function below except `collab_curl_loop_wake` belongs to
// the thread that turns the loop; callbacks arrive on that thread, from inside `collab_curl_loop_turn`,
// `collab_curl_loop_add` or `collab_curl_transfer_resume`.
#ifndef COLLAB_CURL_H
#define COLLAB_CURL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

typedef struct collab_curl_loop collab_curl_loop;
typedef struct collab_curl_transfer collab_curl_transfer;

/// What to do with a piece of the body.
typedef enum {
    COLLAB_CURL_ACCEPT = 0,
    /// Not taken: stop reading from the socket and hand over the same piece again after a resume.
    COLLAB_CURL_PAUSE = 1,
    /// Give the transfer up.
    COLLAB_CURL_ABORT = 2,
} collab_curl_verdict;

/// How a transfer ended.
typedef enum {
    COLLAB_CURL_DONE = 0,
    COLLAB_CURL_BAD_ADDRESS,
    COLLAB_CURL_NOT_RESOLVED,
    COLLAB_CURL_NOT_CONNECTED,
    COLLAB_CURL_NOT_TRUSTED,
    COLLAB_CURL_TIMED_OUT,
    COLLAB_CURL_BROKEN,
    COLLAB_CURL_CUT_SHORT,
    COLLAB_CURL_NOT_HTTP,
    COLLAB_CURL_BAD_ENCODING,
    COLLAB_CURL_ABORTED,
    COLLAB_CURL_OUT_OF_MEMORY,
    COLLAB_CURL_OTHER,
} collab_curl_ending;

typedef struct {
    /// The connection stands and the request is about to be sent; called again before libcurl would send it a
    /// second time. `false` gives the transfer up.
    bool (*sending)(void *context);
    /// One line of the response's head, line break included. `false` gives the transfer up.
    bool (*header)(void *context, const uint8_t *bytes, size_t count);
    /// A piece of the decoded body.
    collab_curl_verdict (*body)(void *context, const uint8_t *bytes, size_t count);
    /// The end; the transfer is freed as soon as this returns. `detail` is libcurl's own sentence.
    void (*finished)(void *context, collab_curl_ending ending, const char *detail);
    void *context;
} collab_curl_callbacks;

typedef struct {
    const char *url;
    const char *method;
    /// Lines of the form `Name: value`.
    const char *_Nonnull const *_Nullable headers;
    size_t header_count;
    /// Copied; null for a request without a body.
    const uint8_t *_Nullable body;
    size_t body_count;
    int64_t connect_timeout_ms;
    /// How long a connection may have been idle and still be used again.
    int64_t maximum_idle_seconds;
    /// A file or folder of certificates to trust instead of the system's.
    const char *_Nullable authorities_file;
    const char *_Nullable authorities_folder;
    /// Null: as the environment says (http_proxy, https_proxy, all_proxy, no_proxy); empty: none.
    const char *_Nullable proxy;
    /// Whether to wait for a connection that is being made if it may carry several requests.
    bool waits_to_share;
    /// Turns the check of the server's certificate off.
    bool trusts_anyone;
} collab_curl_request;

/// Starts a thread with all signals blocked; returns 0 or an errno value.
int collab_curl_thread_start(void (*body)(void *_Nullable), void *_Nullable context);

collab_curl_loop *_Nullable collab_curl_loop_create(void);
void collab_curl_loop_destroy(collab_curl_loop *loop);
/// Makes a turn that waits return at once, or the next one if none waits. From any thread.
void collab_curl_loop_wake(collab_curl_loop *loop);
/// Waits for something to do, at most so long, and does it. `false` if the loop is broken.
bool collab_curl_loop_turn(collab_curl_loop *loop, int timeout_ms);
/// Starts a transfer; null if libcurl refuses the request or memory is short. No callback comes then.
collab_curl_transfer *_Nullable collab_curl_loop_add(
    collab_curl_loop *loop, const collab_curl_request *request, collab_curl_callbacks callbacks);
/// Ends a transfer at once and frees it; its connection is closed unless it carries other requests. No callback
/// comes any more.
void collab_curl_loop_remove(collab_curl_loop *loop, collab_curl_transfer *transfer);
/// Goes on after a pause.
void collab_curl_transfer_resume(collab_curl_transfer *transfer);

/// An address as libcurl itself reads it, so that what is checked is what is contacted.
typedef struct {
    char *_Nullable whole;
    char *_Nullable scheme;
    char *_Nullable host;
    char *_Nullable path;
    char *_Nullable query;
    long port;
    bool has_credentials;
} collab_curl_address;

/// Reads an address, relative to `base` if that is given. `false` if it cannot be read; nothing is to be freed then.
bool collab_curl_address_read(
    const char *_Nullable base, const char *text, collab_curl_address *address);
void collab_curl_address_free(collab_curl_address *address);

#pragma clang assume_nonnull end

#endif
