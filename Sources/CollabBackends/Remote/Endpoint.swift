internal import Collab

/// A server with the credentials for it: what turns a path and a body into a request, and a failure into an error
/// without secrets.
struct Endpoint: Sendable {
    let base: WebAddress
    let key: Secret?
    let settings: RemoteSettings
    let dialect: Dialect
    /// The modifiers that requests pass, over ``GuardedRequests``; `nil`: none.
    private(set) var guardian: (any TextModel)?

    /// The same server behind modifiers.
    func guarded(by guardian: any TextModel) -> Endpoint {
        var endpoint = self
        endpoint.guardian = guardian
        return endpoint
    }

    /// Throws ``Collab/CollabError/Code/invalidRequest`` if the address or a header field cannot be used, or if the
    /// key would travel in the clear.
    init(
        _ base: String,
        key: Secret?,
        settings: RemoteSettings,
        dialect: Dialect = .chatCompletions
    ) throws(CollabError) {
        self.base = try WebAddress(base)
        self.key = key
        self.settings = settings
        self.dialect = dialect
        var names = settings.fields.keys.sorted()
        if case .field(let name)? = settings.keyField { names.append(name) }
        for name in names where !name.isHeaderName {
            throw CollabError(
                .invalidRequest,
                "“\(escapingControls(name, limit: 60))” is no name of a header field."
            )
        }
        for (name, value) in settings.fields where !value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) {
            throw CollabError(
                .invalidRequest,
                "The value of the header field \(name) contains control characters."
            )
        }
        if key != nil, self.base.scheme == "http", !self.base.isLoopback, !settings.sendsKeyOverPlainHTTP {
            throw CollabError(
                .invalidRequest,
                "A key is not sent over http to \(self.base.host), since anybody in between could read it. Use https, or "
                    + "set sendsKeyOverPlainHTTP if you trust the network."
            )
        }
    }

    /// The same server without the last part of the path, which belongs to the protocol: `…/v1` becomes `…`.
    func root() throws(CollabError) -> Endpoint {
        var parts = base.path.split(separator: "/")
        if let last = parts.last, last.first == "v", last.dropFirst().allSatisfy(\.isNumber) {
            parts.removeLast()
        }
        let query = base.query.map { "?" + $0 } ?? ""
        let address = try WebAddress("/" + parts.joined(separator: "/") + query, relativeTo: base)
        var root = try Endpoint(address.whole, key: key, settings: settings, dialect: dialect)
        root.guardian = guardian
        return root
    }

    /// A request that is ready to go, a redactor that knows what it holds, and the keys in it.
    func request(
        _ method: String,
        _ path: String,
        body: [UInt8]? = nil
    ) async throws(CollabError) -> (
        request: HTTPRequest, redactor: Redactor, keys: [String]
    ) {
        var fields: [(name: String, value: String)] = []
        if body != nil { fields.append(("Content-Type", "application/json")) }
        fields.append(("Accept", body == nil ? "application/json" : dialect.coding.framing.accepted))
        fields.append(("User-Agent", "collab-swift"))
        var secrets = settings.fields.values.sorted()
        var keys = settings.fields.filter { $0.key.namesKey }.map { $0.value.withoutScheme }
        for (name, value) in settings.fields.sorted(by: { $0.key < $1.key }) { fields.append((name, value)) }
        let given = Set(settings.fields.keys.map { $0.lowercased() })
        for (name, value) in dialect.coding.fields.sorted(by: { $0.key < $1.key }) where !given.contains(name)
        {
            fields.append((name, value))
        }
        if let key {
            let value = try await key.reveal()
            secrets.append(value)
            keys.append(value)
            switch settings.keyField ?? dialect.coding.keyField {
            case .bearer: fields.append(("Authorization", "Bearer \(value)"))
            case .field(let name): fields.append((name, value))
            }
        }
        var request = HTTPRequest(
            method,
            try base.appending(path),
            fields: fields,
            body: body,
            timeouts: settings.timeouts
        )
        request.countsBytesAsContent = false
        request.limits.body = settings.maximumResponseBytes
        if let left = Run.current?.timeLeft { request.deadline = ContinuousClock.now.advanced(by: left) }
        return (request, Redactor(secrets), keys)
    }

    func transport() throws(CollabError) -> Transport {
        if let transport = settings.transport { return transport }
        return try Transport.shared
    }
}

extension Run {
    /// How long until the run's deadline; `nil` without one.
    fileprivate var timeLeft: Duration? { deadline.map { max(.zero, $0 - elapsed) } }
}

extension String {
    /// Whether a header field of this name holds something secret, rather than a version or the name of a program.
    fileprivate var namesKey: Bool {
        let name = lowercased()
        return ["key", "token", "auth", "secret", "cookie", "password"].contains { name.contains($0) }
    }

    /// The value of such a field without `Bearer` and the like.
    fileprivate var withoutScheme: String { split(separator: " ").last.map { String($0) } ?? self }

    /// Whether this is a token in the sense of RFC 9110.
    fileprivate var isHeaderName: Bool {
        !isEmpty
            && utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }
}
