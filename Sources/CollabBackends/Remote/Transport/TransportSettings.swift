/// How connections are made.
public struct TransportSettings: Sendable {
    /// Whether and which proxy stands between this machine and the servers.
    public enum Proxy: Hashable, Sendable {
        /// As `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` say; servers on this machine are always
        /// reached directly.
        case environment
        /// None, whatever the environment says.
        case none
        /// This one, for every server.
        case address(String)
    }

    /// Whose certificates are trusted.
    public enum Authorities: Hashable, Sendable {
        /// The system's, or those that `CURL_CA_BUNDLE`, `SSL_CERT_FILE` or `SSL_CERT_DIR` name.
        case environment
        /// Those in a PEM file.
        case file(String)
    }

    /// The proxy.
    public var proxy: Proxy
    /// The certificate authorities.
    public var authorities: Authorities
    /// How many transfers happen at once; more wait for their turn, in order.
    public var maximumTransfers: Int
    /// Talks to servers without checking who they are. Whoever stands in between can then read the key and the
    /// conversation and answer in the server's place: for tests on one's own machine only. The first use is reported
    /// on standard error.
    public var dangerouslyTrustsEveryServer = false

    /// Makes settings.
    ///
    /// - Parameter maximumTransfers: at most half of the process's limit of open files is used.
    public init(
        proxy: Proxy = .environment,
        authorities: Authorities = .environment,
        maximumTransfers: Int = 4096
    ) {
        self.proxy = proxy
        self.authorities = authorities
        self.maximumTransfers = max(1, min(maximumTransfers, Self.openFileLimit / 2))
    }
}

extension TransportSettings.Proxy: CustomStringConvertible, CustomReflectable {
    /// Which proxy, without the password that its address may hold.
    public var description: String {
        switch self {
        case .environment: "as the environment says"
        case .none: "none"
        case .address(let address): WebAddress.withoutSecrets(address)
        }
    }
    /// No children.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
