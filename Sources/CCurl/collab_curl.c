#if defined(__linux__)
#define _GNU_SOURCE
#endif

#include "CCurl.h"

#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#if defined(__linux__)
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#endif

#if LIBCURL_VERSION_NUM < 0x075000
#error "Collab needs libcurl 7.80 or newer (Debian: libcurl4-openssl-dev)."
#endif

// With thousands of transfers, asking the kernel about all of them at every turn is what costs most. On Linux the kernel
// is therefore told once which sockets matter (epoll), and libcurl only hears about those that are ready; elsewhere
// libcurl polls by itself.
struct collab_curl_loop {
    CURLM *multi;
#if defined(__linux__)
    int poller;
    int wake;
    // When libcurl wants to be called without a socket being ready; in milliseconds, -1: not at all.
    long long due;
#endif
};

struct collab_curl_transfer {
    CURL *easy;
    struct curl_slist *headers;
    uint8_t *body;
    collab_curl_callbacks callbacks;
    bool was_sent;
    char detail[CURL_ERROR_SIZE];
};

// ---- callbacks ------------------------------------------------------------------------------------------------

static size_t on_header(char *bytes, size_t size, size_t count, void *context) {
    collab_curl_transfer *transfer = context;
    size_t total = size * count;
    bool goes_on = transfer->callbacks.header(transfer->callbacks.context, (const uint8_t *)bytes, total);
    return goes_on ? total : 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context) {
    collab_curl_transfer *transfer = context;
    size_t total = size * count;
    if (total == 0) return 0;
    switch (transfer->callbacks.body(transfer->callbacks.context, (const uint8_t *)bytes, total)) {
    case COLLAB_CURL_ACCEPT: return total;
    case COLLAB_CURL_PAUSE: return CURL_WRITEFUNC_PAUSE;
    default: return 0;
    }
}

static int on_sending(void *context, char *remote, char *local, int remote_port, int local_port) {
    (void)remote, (void)local, (void)remote_port, (void)local_port;
    collab_curl_transfer *transfer = context;
    transfer->was_sent = true;
    return transfer->callbacks.sending(transfer->callbacks.context) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

static collab_curl_ending ending(CURLcode code, bool was_sent) {
    switch (code) {
    case CURLE_OK: return COLLAB_CURL_DONE;
    case CURLE_URL_MALFORMAT: return COLLAB_CURL_BAD_ADDRESS;
    // After the request was sent this is what libcurl calls an answer without an HTTP status line.
    case CURLE_UNSUPPORTED_PROTOCOL: return was_sent ? COLLAB_CURL_NOT_HTTP : COLLAB_CURL_BAD_ADDRESS;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY: return COLLAB_CURL_NOT_RESOLVED;
    case CURLE_COULDNT_CONNECT: return COLLAB_CURL_NOT_CONNECTED;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS: return COLLAB_CURL_NOT_TRUSTED;
    case CURLE_OPERATION_TIMEDOUT: return COLLAB_CURL_TIMED_OUT;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM: return COLLAB_CURL_BROKEN;
    case CURLE_PARTIAL_FILE: return COLLAB_CURL_CUT_SHORT;
    case CURLE_WEIRD_SERVER_REPLY: return COLLAB_CURL_NOT_HTTP;
    case CURLE_BAD_CONTENT_ENCODING: return COLLAB_CURL_BAD_ENCODING;
    case CURLE_WRITE_ERROR:
    case CURLE_ABORTED_BY_CALLBACK: return COLLAB_CURL_ABORTED;
    case CURLE_OUT_OF_MEMORY: return COLLAB_CURL_OUT_OF_MEMORY;
    default: return COLLAB_CURL_OTHER;
    }
}

// ---- transfers ------------------------------------------------------------------------------------------------

static void transfer_free(collab_curl_transfer *transfer) {
    if (transfer == NULL) return;
    if (transfer->easy != NULL) curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->headers);
    if (transfer->body != NULL) free(transfer->body);
    free(transfer);
}

static bool add_header(collab_curl_transfer *transfer, const char *line) {
    struct curl_slist *longer = curl_slist_append(transfer->headers, line);
    if (longer == NULL) return false;
    transfer->headers = longer;
    return true;
}

// Security first: what is set here does not depend on the request.
static CURLcode set_ground_rules(CURL *easy) {
    CURLcode code = CURLE_OK;
#define SET(option, value) if (code == CURLE_OK) code = curl_easy_setopt(easy, option, value)
    SET(CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075500
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
#else
    SET(CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    // Asks for no compression, which would hold back a stream, but decodes what comes compressed all the same.
    SET(CURLOPT_ACCEPT_ENCODING, "identity");
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_TCP_KEEPIDLE, 30L);
    SET(CURLOPT_TCP_KEEPINTVL, 15L);
    SET(CURLOPT_BUFFERSIZE, 16384L);
#if LIBCURL_VERSION_NUM >= 0x075700
    // A cancelled transfer must not hold the loop until its name is resolved.
    SET(CURLOPT_QUICK_EXIT, 1L);
#endif
#undef SET
    return code;
}

static CURLcode set_request(collab_curl_transfer *transfer, const collab_curl_request *request) {
    CURL *easy = transfer->easy;
    CURLcode code = CURLE_OK;
#define SET(option, value) if (code == CURLE_OK) code = curl_easy_setopt(easy, option, value)
    SET(CURLOPT_URL, request->url);
    SET(CURLOPT_HTTPHEADER, transfer->headers);
    if (transfer->body != NULL) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_count);
        SET(CURLOPT_POSTFIELDS, (char *)transfer->body);
    } else {
        SET(CURLOPT_HTTPGET, 1L);
    }
    SET(CURLOPT_CUSTOMREQUEST, request->method);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)request->connect_timeout_ms);
    SET(CURLOPT_MAXAGE_CONN, (long)request->maximum_idle_seconds);
    SET(CURLOPT_PIPEWAIT, request->waits_to_share ? 1L : 0L);
    if (request->authorities_file != NULL) SET(CURLOPT_CAINFO, request->authorities_file);
    if (request->authorities_folder != NULL) SET(CURLOPT_CAPATH, request->authorities_folder);
    if (request->proxy != NULL) SET(CURLOPT_PROXY, request->proxy);
    if (request->trusts_anyone) {
        SET(CURLOPT_SSL_VERIFYPEER, 0L);
        SET(CURLOPT_SSL_VERIFYHOST, 0L);
    }
    SET(CURLOPT_PRIVATE, (char *)transfer);
    SET(CURLOPT_ERRORBUFFER, transfer->detail);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, (void *)transfer);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, (void *)transfer);
    SET(CURLOPT_PREREQFUNCTION, on_sending);
    SET(CURLOPT_PREREQDATA, (void *)transfer);
#undef SET
    return code;
}

static collab_curl_transfer *transfer_create(const collab_curl_request *request, collab_curl_callbacks callbacks) {
    collab_curl_transfer *transfer = calloc(1, sizeof *transfer);
    if (transfer == NULL) return NULL;
    transfer->callbacks = callbacks;
    transfer->easy = curl_easy_init();
    bool fine = transfer->easy != NULL;
    for (size_t i = 0; fine && i < request->header_count; i++) fine = add_header(transfer, request->headers[i]);
    // Without this, bodies over 1 MiB wait a second for servers that never answer "100 Continue".
    fine = fine && add_header(transfer, "Expect:");
    if (fine && request->body != NULL) {
        transfer->body = malloc(request->body_count > 0 ? request->body_count : 1);
        fine = transfer->body != NULL;
        if (fine) memcpy(transfer->body, request->body, request->body_count);
    }
    fine = fine && set_ground_rules(transfer->easy) == CURLE_OK && set_request(transfer, request) == CURLE_OK;
    if (!fine) {
        transfer_free(transfer);
        return NULL;
    }
    return transfer;
}

void collab_curl_transfer_resume(collab_curl_transfer *transfer) {
    curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
}

// ---- the loop -------------------------------------------------------------------------------------------------

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_set_up = false;
static void set_up(void) { is_set_up = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK; }

#if defined(__linux__)

static long long now_in_milliseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (long long)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *context, void *known) {
    (void)easy;
    collab_curl_loop *loop = context;
    if (what == CURL_POLL_REMOVE) {
        // One that is closed already has left by itself.
        epoll_ctl(loop->poller, EPOLL_CTL_DEL, socket, NULL);
        return 0;
    }
    struct epoll_event event = {.data.fd = socket};
    if (what & CURL_POLL_IN) event.events |= EPOLLIN;
    if (what & CURL_POLL_OUT) event.events |= EPOLLOUT;
    int operation = known != NULL ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(loop->poller, operation, socket, &event) != 0) {
        if (errno == EEXIST) operation = EPOLL_CTL_MOD;
        else if (errno == ENOENT) operation = EPOLL_CTL_ADD;
        else return -1;
        if (epoll_ctl(loop->poller, operation, socket, &event) != 0) return -1;
    }
    if (known == NULL) curl_multi_assign(loop->multi, socket, loop);
    return 0;
}

static int on_timer(CURLM *multi, long milliseconds, void *context) {
    (void)multi;
    collab_curl_loop *loop = context;
    loop->due = milliseconds < 0 ? -1 : now_in_milliseconds() + milliseconds;
    return 0;
}

static bool set_up_poller(collab_curl_loop *loop) {
    loop->due = -1;
    loop->wake = -1;
    loop->poller = epoll_create1(EPOLL_CLOEXEC);
    if (loop->poller < 0) return false;
    loop->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = loop->wake};
    if (loop->wake < 0 || epoll_ctl(loop->poller, EPOLL_CTL_ADD, loop->wake, &event) != 0) return false;
    curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, (void *)loop);
    curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, (void *)loop);
    return true;
}

static void close_poller(collab_curl_loop *loop) {
    if (loop->wake >= 0) close(loop->wake);
    if (loop->poller >= 0) close(loop->poller);
}

void collab_curl_loop_wake(collab_curl_loop *loop) {
    uint64_t one = 1;
    // It fails only if so many wake-ups are waiting that one more makes no difference.
    ssize_t written = write(loop->wake, &one, sizeof one);
    (void)written;
}

#else

static bool set_up_poller(collab_curl_loop *loop) {
    (void)loop;
    return true;
}

static void close_poller(collab_curl_loop *loop) { (void)loop; }

void collab_curl_loop_wake(collab_curl_loop *loop) { curl_multi_wakeup(loop->multi); }

#endif

collab_curl_loop *collab_curl_loop_create(void) {
    pthread_once(&once, set_up);
    if (!is_set_up) return NULL;
    collab_curl_loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL) return NULL;
    loop->multi = curl_multi_init();
    if (loop->multi == NULL) {
        free(loop);
        return NULL;
    }
    if (!set_up_poller(loop)) {
        collab_curl_loop_destroy(loop);
        return NULL;
    }
    curl_multi_setopt(loop->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    // Idle connections beyond this are closed; otherwise every burst would leave its sockets behind.
    curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, 128L);
    return loop;
}

void collab_curl_loop_destroy(collab_curl_loop *loop) {
    curl_multi_cleanup(loop->multi);
    close_poller(loop);
    free(loop);
}

collab_curl_transfer *collab_curl_loop_add(
    collab_curl_loop *loop, const collab_curl_request *request, collab_curl_callbacks callbacks) {
    collab_curl_transfer *transfer = transfer_create(request, callbacks);
    if (transfer == NULL) return NULL;
    if (curl_multi_add_handle(loop->multi, transfer->easy) != CURLM_OK) {
        transfer_free(transfer);
        return NULL;
    }
    return transfer;
}

void collab_curl_loop_remove(collab_curl_loop *loop, collab_curl_transfer *transfer) {
    curl_multi_remove_handle(loop->multi, transfer->easy);
    transfer_free(transfer);
}

static void hand_over_finished(collab_curl_loop *loop) {
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(loop->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE) continue;
        CURLcode code = message->data.result;
        char *private = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        collab_curl_transfer *transfer = (collab_curl_transfer *)(void *)private;
        const char *detail = transfer->detail[0] != '\0' ? transfer->detail : curl_easy_strerror(code);
        transfer->callbacks.finished(transfer->callbacks.context, ending(code, transfer->was_sent), detail);
        collab_curl_loop_remove(loop, transfer);
    }
}

#if defined(__linux__)

bool collab_curl_loop_turn(collab_curl_loop *loop, int timeout_ms) {
    struct epoll_event events[256];
    if (loop->due >= 0) {
        long long left = loop->due - now_in_milliseconds();
        if (left < 0) left = 0;
        if (left < timeout_ms) timeout_ms = (int)left;
    }
    int count = epoll_wait(loop->poller, events, (int)(sizeof events / sizeof *events), timeout_ms);
    if (count < 0 && errno != EINTR) return false;
    int running = 0;
    for (int i = 0; i < count; i++) {
        if (events[i].data.fd == loop->wake) {
            uint64_t wakes;
            ssize_t taken = read(loop->wake, &wakes, sizeof wakes);
            (void)taken;
            continue;
        }
        int ready = 0;
        if (events[i].events & EPOLLIN) ready |= CURL_CSELECT_IN;
        if (events[i].events & EPOLLOUT) ready |= CURL_CSELECT_OUT;
        if (events[i].events & (EPOLLERR | EPOLLHUP)) ready |= CURL_CSELECT_ERR;
        if (curl_multi_socket_action(loop->multi, events[i].data.fd, ready, &running) != CURLM_OK) return false;
    }
    if (loop->due >= 0 && now_in_milliseconds() >= loop->due) {
        // libcurl sets the next time while it works.
        loop->due = -1;
        if (curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &running) != CURLM_OK) return false;
    }
    hand_over_finished(loop);
    return true;
}

#else

bool collab_curl_loop_turn(collab_curl_loop *loop, int timeout_ms) {
    int running = 0;
    if (curl_multi_poll(loop->multi, NULL, 0, timeout_ms, NULL) != CURLM_OK) return false;
    if (curl_multi_perform(loop->multi, &running) != CURLM_OK) return false;
    hand_over_finished(loop);
    return true;
}

#endif

// ---- threads --------------------------------------------------------------------------------------------------

struct thread_start {
    void (*body)(void *);
    void *context;
};

static void *thread_main(void *argument) {
    struct thread_start start = *(struct thread_start *)argument;
    free(argument);
#if defined(__APPLE__)
    pthread_setname_np("collab.net");
#elif defined(__linux__)
    pthread_setname_np(pthread_self(), "collab.net");
#endif
    start.body(start.context);
    return NULL;
}

int collab_curl_thread_start(void (*body)(void *), void *context) {
    struct thread_start *start = malloc(sizeof *start);
    if (start == NULL) return 12;
    start->body = body;
    start->context = context;
    // A write to a closed TLS connection raises SIGPIPE in the writing thread; blocked, it is only an error code.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    int status = pthread_create(&thread, NULL, thread_main, start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status != 0) {
        free(start);
        return status;
    }
    pthread_detach(thread);
    return 0;
}

// ---- addresses ------------------------------------------------------------------------------------------------

void collab_curl_address_free(collab_curl_address *address) {
    curl_free(address->whole);
    curl_free(address->scheme);
    curl_free(address->host);
    curl_free(address->path);
    curl_free(address->query);
    memset(address, 0, sizeof *address);
}

bool collab_curl_address_read(const char *base, const char *text, collab_curl_address *address) {
    memset(address, 0, sizeof *address);
    CURLU *url = curl_url();
    if (url == NULL) return false;
    bool fine = (base == NULL || curl_url_set(url, CURLUPART_URL, base, 0) == CURLUE_OK)
        && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK;
    char *port = NULL, *user = NULL, *password = NULL;
    fine = fine && curl_url_get(url, CURLUPART_SCHEME, &address->scheme, 0) == CURLUE_OK
        && curl_url_get(url, CURLUPART_HOST, &address->host, 0) == CURLUE_OK
        && curl_url_get(url, CURLUPART_PATH, &address->path, 0) == CURLUE_OK
        && curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK;
    if (fine) {
        address->port = strtol(port, NULL, 10);
        address->has_credentials = curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_OK
            || curl_url_get(url, CURLUPART_PASSWORD, &password, 0) == CURLUE_OK;
        curl_url_get(url, CURLUPART_QUERY, &address->query, 0);
        curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0);
        fine = curl_url_get(url, CURLUPART_URL, &address->whole, 0) == CURLUE_OK;
    }
    curl_free(port);
    curl_free(user);
    curl_free(password);
    curl_url_cleanup(url);
    if (!fine) collab_curl_address_free(address);
    return fine;
}
