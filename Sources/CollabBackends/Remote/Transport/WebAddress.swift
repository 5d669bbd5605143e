internal import CCurl
package import Collab

/// An `http` or `https` address, read by the same code that will connect to it.
package struct WebAddress: Hashable, Sendable {
    /// The whole address, without a fragment.
    package let whole: String
    /// `http` or `https`.
    package let scheme: String
    /// The host in lower case.
    package let host: String
    /// The port, the scheme's own where none is written.
    package let port: Int
    /// The path, which begins with a slash.
    package let path: String
    /// What follows the question mark, if there is one.
    package let query: String?

    /// Reads an absolute address, or one relative to another.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` for anything but http and https, and for addresses that hold a user
    /// name or password, which would end up in logs.
    package init(_ text: String, relativeTo base: WebAddress? = nil) throws(CollabError) {
        let hasScheme = base != nil || text.contains("://")
        guard hasScheme, !text.utf8.contains(where: { $0 < 0x21 || $0 == 0x7f }) else {
            throw CollabError(
                .invalidRequest,
                "“\(Self.withoutSecrets(text))” is not the address of a server; write it as http://host:port/v1 "
                    + "or https://host/v1."
            )
        }
        var address = collab_curl_address()
        guard collab_curl_address_read(base?.whole, text, &address) else {
            throw CollabError(
                .invalidRequest,
                "“\(Self.withoutSecrets(text))” is not a valid address."
            )
        }
        defer { collab_curl_address_free(&address) }
        if address.has_credentials {
            throw CollabError(
                .invalidRequest,
                "An address must not contain a user name or password; pass the key as a Secret instead."
            )
        }
        scheme = Self.string(address.scheme).lowercased()
        guard scheme == "http" || scheme == "https" else {
            throw CollabError(
                .invalidRequest,
                "The address begins with \(scheme)://; only http and https are spoken."
            )
        }
        whole = Self.string(address.whole)
        host = Self.string(address.host).lowercased()
        port = Int(address.port)
        path = Self.string(address.path)
        query = address.query.map { String(cString: $0) }
    }

    /// The same server with a longer path; a query stays.
    package func appending(_ component: String) throws(CollabError) -> WebAddress {
        var base = path
        while base.hasSuffix("/") { base.removeLast() }
        let rest = base + "/" + component + (query.map { "?" + $0 } ?? "")
        return try WebAddress(rest, relativeTo: self)
    }

    /// Whether another address is on the same server, reached in the same way.
    package func hasSameOrigin(as other: WebAddress) -> Bool {
        scheme == other.scheme && host == other.host && port == other.port
    }

    /// Whether the server is on this machine.
    package var isLoopback: Bool {
        if host == "localhost" || host == "[::1]" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// What is no address, for a message: without what may be a user name, a password or a key in a query.
    static func withoutSecrets(_ text: String) -> String {
        var shown = text[...]
        if let at = shown.lastIndex(of: "@") {
            let scheme = shown.firstRange(of: "://").map { shown[..<$0.upperBound] } ?? ""
            shown = scheme + "…" + shown[at...]
        }
        if let query = shown.firstIndex(of: "?") { shown = shown[..<query] + "?…" }
        return escapingControls(shown, limit: 200)
    }

    private static func string(_ text: UnsafeMutablePointer<CChar>?) -> String {
        text.map { String(cString: $0) } ?? ""
    }
}

extension WebAddress: CustomStringConvertible {
    /// Scheme, host and path; the query may hold a key and is left out.
    package var description: String {
        let standard = scheme == "https" ? 443 : 80
        return "\(scheme)://\(host)\(port == standard ? "" : ":\(port)")\(path)"
    }
}
