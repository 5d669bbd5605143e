public import Collab

/// Makes the connections to servers: one thread of its own, kept-alive connections shared by all models that use it.
///
/// Programs rarely need their own; ``shared`` serves everybody. One with other settings is made for a special proxy
/// or for other certificate authorities:
///
/// ```swift
/// var settings = TransportSettings(authorities: .file("/etc/company/ca.pem"))
/// let transport = try Transport(settings)
/// ```
///
/// Certificates are always verified, redirects are followed only on the same server, and no cookie is kept.
public final class Transport: Sendable {
    private let loop: TransportLoop

    /// Starts a transport. Its thread ends when the last reference to the transport is gone.
    ///
    /// Throws ``CollabError/Code/memoryLimit`` or ``CollabError/Code/inputOutput`` if the system cannot provide a
    /// thread.
    public init(_ settings: TransportSettings = TransportSettings()) throws(CollabError) {
        loop = try TransportLoop(settings: settings)
    }

    deinit { loop.post(.stop) }

    private static let sharedResult: Result<Transport, CollabError> = {
        do throws(CollabError) { return .success(try Transport()) } catch { return .failure(error) }
    }()

    /// The transport that models use unless told otherwise.
    public static var shared: Transport {
        get throws(CollabError) { try sharedResult.get() }
    }

    /// How its connections are made.
    public var settings: TransportSettings { loop.settings }

    /// How often the thread has woken up; it must stand still while nothing is going on.
    package var turnCount: Int { loop.turnCount }

    /// Sends a request and waits for the head of the response.
    ///
    /// A redirect is followed if it keeps the method and stays on the same server; any other is an error that names
    /// the target, since following it would hand the key or the question to somebody else.
    package func open(_ request: HTTPRequest) async throws(TransportError) -> Exchange {
        var request = request
        // The limit of the whole call holds over all hops together.
        let latest = ContinuousClock.now.advanced(by: request.timeouts.total)
        request.deadline = min(latest, request.deadline ?? latest)
        var hops = 0
        while true {
            let transfer = Transfer(request, on: loop)
            if Task.isCancelled { throw TransportError(.cancelled, of: transfer, head: nil) }
            loop.post(.start(transfer))
            switch await transfer.next() {
            case .failure(let failure):
                throw TransportError(failure, of: transfer, head: nil)
            case .success(.head(let head)):
                guard let location = head.redirection else {
                    return Exchange(transfer, head: head, transport: self)
                }
                transfer.leave()
                hops += 1
                request.address = try follow(location, from: request, status: head.status, hops: hops)
            case .success:
                transfer.cancel()
                throw TransportError(.malformedHead, of: transfer, head: nil)
            }
        }
    }

    private func follow(
        _ location: String,
        from request: HTTPRequest,
        status: Int,
        hops: Int
    ) throws(TransportError) -> WebAddress {
        let target: WebAddress
        do throws(CollabError) {
            target = try WebAddress(location, relativeTo: request.address)
        } catch {
            throw TransportError(
                .redirect(status, to: WebAddress.withoutSecrets(location)),
                address: request.address
            )
        }
        let keepsMethod = status == 307 || status == 308 || request.isIdempotent
        guard keepsMethod, hops <= 5, target.hasSameOrigin(as: request.address) else {
            throw TransportError(.redirect(status, to: "\(target)"), address: request.address)
        }
        return target
    }
}

/// A response that is being received.
///
/// It is used by one task at a time. Letting it go ends the transfer.
package final class Exchange: Sendable {
    /// Status and header fields.
    package let head: ResponseHead
    private let transfer: Transfer
    // The transport, and its thread, live as long as something is received.
    private let transport: Transport

    init(_ transfer: Transfer, head: ResponseHead, transport: Transport) {
        self.transfer = transfer
        self.head = head
        self.transport = transport
    }

    deinit { transfer.leave() }

    /// The next bytes of the body, or `nil` at its end.
    package func next() async throws(TransportError) -> [UInt8]? {
        switch await transfer.next() {
        case .success(.bytes(let bytes)): return bytes
        case .success(.end): return nil
        case .success(.head): throw TransportError(.malformedHead, of: transfer, head: head)
        case .failure(let failure): throw TransportError(failure, of: transfer, head: head)
        }
    }

    /// The bytes held content: the clock for the next piece starts anew.
    package func progress() { transfer.progress() }

    /// The answer is complete; what may still come is thrown away.
    package func leave() { transfer.leave() }

    /// Ends the transfer and its connection at once.
    package func cancel() { transfer.cancel() }

    /// The whole body, cut off after so many bytes.
    package func body(upTo limit: Int) async throws(TransportError) -> [UInt8] {
        var body: [UInt8] = []
        while let bytes = try await next() {
            progress()
            body.append(contentsOf: bytes.prefix(limit - body.count))
            if body.count >= limit {
                cancel()
                break
            }
        }
        return body
    }
}

extension ResponseHead {
    /// Where the server sends the client instead, if it does.
    fileprivate var redirection: String? {
        switch status {
        case 301, 302, 303, 307, 308: self["location"]
        default: nil
        }
    }
}
