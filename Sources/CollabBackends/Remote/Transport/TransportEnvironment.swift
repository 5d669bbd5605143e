internal import CCurl

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What the settings and the environment say about connections, read once, and how it is told to libcurl.
struct TransportEnvironment: Sendable {
    private let settings: TransportSettings
    let authoritiesFile: String?
    let authoritiesFolder: String?

    init(settings: TransportSettings, variable: (String) -> String? = Self.variable) {
        self.settings = settings
        switch settings.authorities {
        case .environment:
            authoritiesFile = variable("CURL_CA_BUNDLE") ?? variable("SSL_CERT_FILE")
            authoritiesFolder = variable("SSL_CERT_DIR")
        case .file(let path):
            authoritiesFile = path
            authoritiesFolder = nil
        }
        if settings.dangerouslyTrustsEveryServer { Self.warn() }
    }

    static func variable(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }

    private static func warn() {
        let text =
            "warning: Collab does not check the certificates of servers (dangerouslyTrustsEveryServer); keys and "
            + "conversations can be read by others.\n"
        _ = text.withCString { write(2, $0, strlen($0)) }
    }

    /// Hands a request to libcurl.
    func add(
        _ request: HTTPRequest,
        to loop: OpaquePointer,
        callbacks: collab_curl_callbacks
    ) -> OpaquePointer? {
        let proxy: String? =
            switch settings.proxy {
            case .environment: request.address.isLoopback ? "" : nil
            case .none: ""
            case .address(let address): address
            }
        let lines = request.fields.map { "\($0.name): \($0.value)" }
        var handle: OpaquePointer?
        withCStrings(lines) { lines in
            request.address.whole.withCString { url in
                request.method.withCString { method in
                    withCString(authoritiesFile) { file in
                        withCString(authoritiesFolder) { folder in
                            withCString(proxy) { proxy in
                                withBytes(request.body) { body in
                                    var description = collab_curl_request(
                                        url: url,
                                        method: method,
                                        headers: lines.baseAddress,
                                        header_count: lines.count,
                                        body: body?.baseAddress,
                                        body_count: body?.count ?? 0,
                                        connect_timeout_ms: request.timeouts.connect.milliseconds,
                                        maximum_idle_seconds: request.address.scheme == "https" ? 60 : 4,
                                        authorities_file: file,
                                        authorities_folder: folder,
                                        proxy: proxy,
                                        waits_to_share: request.address.scheme == "https",
                                        trusts_anyone: settings.dangerouslyTrustsEveryServer
                                    )
                                    handle = collab_curl_loop_add(loop, &description, callbacks)
                                }
                            }
                        }
                    }
                }
            }
        }
        return handle
    }
}

extension TransportSettings {
    /// How many files and sockets this process may have open.
    static var openFileLimit: Int {
        var limit = rlimit()
        #if canImport(Glibc)
            let status = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        #else
            let status = getrlimit(RLIMIT_NOFILE, &limit)
        #endif
        return status == 0 ? Int(min(limit.rlim_cur, 1 << 20)) : 256
    }
}

extension Duration {
    /// Whole milliseconds, at least one.
    fileprivate var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        return max(1, min(seconds, 1_000_000) * 1000 + attoseconds / 1_000_000_000_000_000)
    }
}

// MARK: C strings

private func withCString(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Void) {
    guard let text else { return body(nil) }
    text.withCString { body($0) }
}

private func withBytes(_ bytes: [UInt8]?, _ body: (UnsafeBufferPointer<UInt8>?) -> Void) {
    guard let bytes else { return body(nil) }
    // An empty array may have no address, but an empty body is a body all the same.
    guard !bytes.isEmpty else {
        return [0].withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[..<0])) }
    }
    bytes.withUnsafeBufferPointer { body($0) }
}

private func withCStrings(_ texts: [String], _ body: (UnsafeBufferPointer<UnsafePointer<CChar>>) -> Void) {
    let copies = texts.map { strdup($0)! }
    defer { for copy in copies { free(copy) } }
    copies.map { UnsafePointer($0) }.withUnsafeBufferPointer { body($0) }
}
