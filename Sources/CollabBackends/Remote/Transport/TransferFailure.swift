/// Why a transfer ended without a complete response.
package enum TransferFailure: Error, Hashable, Sendable {
    /// The consumer gave up.
    case cancelled
    /// A phase took too long.
    case timeout(TimeoutPhase)
    /// The response's head is larger than allowed.
    case headTooLarge
    /// The body is larger than allowed.
    case bodyTooLarge
    /// The head is not HTTP.
    case malformedHead
    /// The connection could not be made or broke.
    case connection(ConnectionFailure)
}

/// What the network or libcurl reports.
package struct ConnectionFailure: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case badAddress
        case notResolved
        case notConnected
        case notTrusted
        case broken
        case cutShort
        case notHTTP
        case badEncoding
        case outOfMemory
        /// A kept-alive connection died before the response began; the server may have seen the request.
        case lostBeforeResponse
        case other
    }

    package var kind: Kind
    /// libcurl's own sentence.
    package var detail: String

    package init(_ kind: Kind, _ detail: String) {
        self.kind = kind
        self.detail = detail
    }
}
