/// Why no complete response was received, with what is known about the request's fate.
package struct TransportError: Error, Hashable, Sendable {
    package enum Reason: Hashable, Sendable {
        case transfer(TransferFailure)
        /// A redirect that is not followed.
        case redirect(Int, to: String)
    }

    package var reason: Reason
    /// Whom the request was sent to.
    package var address: WebAddress
    /// Whether the request has begun to leave this machine, so that the server may work, and charge, for it.
    package var wasSent = false
    /// The head of the response, if it arrived.
    package var head: ResponseHead?

    init(_ reason: Reason, address: WebAddress) {
        self.reason = reason
        self.address = address
        wasSent = true
    }

    init(_ failure: TransferFailure, of transfer: Transfer, head: ResponseHead?) {
        reason = .transfer(failure)
        address = transfer.request.address
        wasSent = transfer.wasSent
        self.head = head
    }

    /// Whether the consumer's task was cancelled.
    package var isCancellation: Bool { reason == .transfer(.cancelled) }
}

extension TransportError: CustomStringConvertible {
    /// What happened and what to do, in one or two sentences.
    package var description: String {
        switch reason {
        case .redirect(let status, let target):
            "\(address) redirects (\(status)) to \(target). Redirects to other servers are not followed; use that address "
                + "as the base address if you trust it."
        case .transfer(let failure): describe(failure)
        }
    }

    private func describe(_ failure: TransferFailure) -> String {
        switch failure {
        case .cancelled: "The task was cancelled."
        case .timeout(.connect): "\(address) did not accept a connection in time."
        case .timeout(.firstByte): "\(address) accepted the request but did not begin to answer in time."
        case .timeout(.idle): "\(address) stopped sending in the middle of its answer."
        case .timeout(.total): "The answer of \(address) was not complete before the deadline."
        case .headTooLarge: "The head of the response of \(address) is larger than allowed."
        case .bodyTooLarge: "The response of \(address) is larger than allowed."
        case .malformedHead: "\(address) did not answer in HTTP; check the port."
        case .connection(let failure): describe(failure)
        }
    }

    private func describe(_ failure: ConnectionFailure) -> String {
        let detail = escapingControls(failure.detail, limit: 200)
        let quote = detail.isEmpty ? "" : " (\(detail))"
        return switch failure.kind {
        case .badAddress: "\(address) cannot be used as an address\(quote)."
        case .notResolved: "The name \(address.host) could not be resolved\(quote)."
        case .notConnected: "\(address) could not be reached\(quote). Is the server running?"
        case .notTrusted: "The certificate of \(address) could not be verified\(quote)."
        case .broken, .cutShort:
            "The connection to \(address) broke \(head == nil ? "before the answer began" : "during the answer")\(quote)."
        case .notHTTP: "\(address) did not answer in HTTP\(quote); check the port."
        case .badEncoding: "The body that \(address) sent could not be decompressed\(quote)."
        case .outOfMemory: "There is too little memory to talk to \(address)."
        case .lostBeforeResponse:
            "\(address) closed a kept-alive connection before it answered. The server may have worked on the request."
        case .other: "Talking to \(address) failed\(quote)."
        }
    }
}
