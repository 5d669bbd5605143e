import Collab
import Foundation
import Testing

@testable import CollabBackends

/// The transport over real sockets.
@Suite("Transport", .timeLimit(.minutes(2)))
struct TransportTests {
    let server: FaultServer
    let id: String
    /// Connections of this test's own: those that other tests leave behind may be dying.
    let transport: Transport

    init() throws {
        transport = try Transport()
        server = try FaultServer.running()
        id = FaultServer.makeID("transport")
    }

    private func question(
        _ faults: String = "ok",
        listener: String = "url",
        stream: Bool = true,
        timeouts: Timeouts = Timeouts(),
        fields: [(name: String, value: String)] = [],
        on server: FaultServer? = nil,
        as id: String? = nil
    ) throws -> HTTPRequest {
        let base = (server ?? self.server).base(faults, id: id ?? self.id, listener: listener)
        let address = try WebAddress(base + "/chat/completions")
        let body = #"{"model":"m","stream":\#(stream),"messages":[{"role":"user","content":"hi"}]}"#
        return HTTPRequest(
            "POST",
            address,
            fields: [("Content-Type", "application/json")] + fields,
            body: Array(body.utf8),
            timeouts: timeouts
        )
    }

    private func failure(_ request: HTTPRequest, on transport: Transport? = nil) async throws
        -> TransportError?
    {
        let transport = transport ?? self.transport
        do throws(TransportError) {
            let exchange = try await transport.open(request)
            while try await exchange.next() != nil {}
            return nil
        } catch {
            return error
        }
    }

    private func elapsed(_ body: () async throws -> Void) async throws -> Duration {
        let start = ContinuousClock.now
        try await body()
        return .now - start
    }

    // MARK: The ordinary course

    @Test("A response arrives whole, with its head")
    func wholeResponse() async throws {
        let exchange = try await transport.open(question(stream: false))
        #expect(exchange.head.status == 200)
        #expect(exchange.head.mediaType == "application/json")
        #expect(exchange.head["x-request-id"] == "req_fault")
        let answer = try JSONValue(parsing: await exchange.body(upTo: 1 << 20), policy: .wire)
        #expect(answer["choices"]?[0]?["message"]?["content"]?.stringValue?.hasPrefix("Paris") == true)
    }

    @Test("Connections are kept and used again")
    func keepAlive() async throws {
        for _ in 0..<20 { #expect(try await failure(question(stream: false)) == nil) }
        #expect(try await server.statistics(id).connections == 1)
    }

    @Test("A streamed response that is left at its end does not cost its connection")
    func keepAliveAfterLeaving() async throws {
        for _ in 0..<20 {
            let exchange = try await transport.open(question())
            var text = ""
            while let bytes = try await exchange.next(), !text.contains("[DONE]") {
                text += String(decoding: bytes, as: UTF8.self)
            }
            exchange.leave()
            try await Task.sleep(for: .milliseconds(5))
        }
        #expect(try await server.statistics(id).connections <= 2)
    }

    @Test("64 streams run side by side", .timeLimit(.minutes(1)))
    func manyStreams() async throws {
        let outcomes = await concurrentOutcomes(Array(0..<64)) { (_) async throws(CollabError) -> Bool in
            do { return try await failure(question("token_ms=20")) == nil } catch { return false }
        }
        #expect(outcomes.allSatisfy { (try? $0.get()) == true })
        #expect(try await server.statistics(id).mostInFlight >= 32)
    }

    @Test("With nothing to do, the thread does not wake up")
    func idleLoop() async throws {
        #expect(try await failure(question()) == nil)
        try await Task.sleep(for: .milliseconds(300))
        let before = transport.turnCount
        try await Task.sleep(for: .milliseconds(700))
        #expect(transport.turnCount == before)
    }

    @Test("More transfers than allowed at once wait for their turn")
    func queueing() async throws {
        let transport = try Transport(TransportSettings(maximumTransfers: 4))
        let outcomes = await concurrentOutcomes(Array(0..<24)) { (_) async throws(CollabError) -> Bool in
            do { return try await failure(question("token_ms=2"), on: transport) == nil } catch {
                return false
            }
        }
        #expect(outcomes.allSatisfy { (try? $0.get()) == true })
        #expect(try await server.statistics(id).mostInFlight <= 4)
    }

    // MARK: Back-pressure

    @Test("A slow consumer holds the server back instead of filling the memory")
    func slowConsumer() async throws {
        let server = try FaultServer.runningForFloods()
        let request = try question("mid=endless,endless_s=20,at=1", on: server)
        let exchange = try await transport.open(request)
        var largest = 0
        for _ in 0..<6 {
            try await Task.sleep(for: .milliseconds(100))
            largest = max(largest, try await exchange.next()?.count ?? 0)
        }
        #expect(largest > 16 << 10, "the server is faster than the reader")
        #expect(largest <= 80 << 10)
        exchange.cancel()
        let statistics = try await server.statistics(id) { $0.aborts == 1 }
        #expect(statistics.aborts == 1)
    }

    // MARK: Cancelling

    @Test(
        "Cancelling the task closes the connection at once, wherever it waits",
        arguments: ["ttfb=30", "stall=30"]
    )
    func cancelling(fault: String) async throws {
        let task = Task { try await failure(question(fault)) }
        let running = try await server.statistics(id) { $0.inFlight == 1 }
        #expect(running.inFlight == 1)
        try await Task.sleep(for: .milliseconds(50))
        task.cancel()
        let time = try await elapsed {
            let error = try await task.value
            #expect(error?.isCancellation == true)
        }
        #expect(time < .seconds(5))
        let after = try await server.statistics(id) { $0.aborts == 1 }
        #expect(after.aborts == 1)
    }

    @Test("A task that is cancelled already sends nothing")
    func cancelledBefore() async throws {
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await failure(question())
        }
        #expect(try await task.value?.isCancellation == true)
        try await Task.sleep(for: .milliseconds(50))
        #expect(try await server.statistics(id).billed == 0)
    }

    @Test("Letting a response go ends it")
    func lettingGo() async throws {
        _ = try await transport.open(question("stall=30,at=1"))
        let statistics = try await server.statistics(id) { $0.aborts == 1 }
        #expect(statistics.aborts == 1)
    }

    // MARK: Time

    @Test("A server that accepts but stays silent is given up after the first-byte limit")
    func firstByteTimeout() async throws {
        let timeouts = Timeouts(firstByte: .milliseconds(200))
        let error = try await failure(question("ttfb=30", timeouts: timeouts))
        #expect(error?.reason == .transfer(.timeout(.firstByte)))
        #expect(error?.wasSent == true)
    }

    @Test("A stream that stalls is given up after the idle limit")
    func idleTimeout() async throws {
        let time = try await elapsed {
            let error = try await failure(question("stall=30", timeouts: Timeouts(idle: .milliseconds(200))))
            #expect(error?.reason == .transfer(.timeout(.idle)))
        }
        #expect(time < .seconds(10))
    }

    @Test("The deadline holds for a stream that never stops")
    func deadline() async throws {
        let error = try await failure(
            question("token_ms=50,tokens=1000", timeouts: Timeouts(total: .milliseconds(300)))
        )
        #expect(error?.reason == .transfer(.timeout(.total)))
    }

    @Test("An address that swallows packets is given up after the connection limit")
    func connectTimeout() async throws {
        // A listener whose queue is full answers no further connection.
        let listener = try FullListener()
        let request = HTTPRequest(
            "GET",
            try WebAddress("http://127.0.0.1:\(listener.port)/"),
            timeouts: Timeouts(connect: .milliseconds(300))
        )
        let time = try await elapsed {
            let error = try await failure(request)
            #expect(error?.reason == .transfer(.timeout(.connect)))
            #expect(error?.wasSent == false)
        }
        #expect(time < .seconds(10))
    }

    // MARK: Failures

    @Test("Nobody listening is a connection that was never made, with a sentence that says so")
    func refused() async throws {
        let error = try await failure(HTTPRequest("GET", try WebAddress("http://127.0.0.1:1/v1/models")))
        guard case .transfer(.connection(let connection)) = error?.reason else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(connection.kind == .notConnected)
        #expect(error?.wasSent == false)
        #expect(error?.description.contains("Is the server running?") == true)
    }

    @Test(
        "A connection that breaks before the answer is told from one that breaks during it",
        arguments: [
            ("reset=before", false), ("reset=fin", false), ("reset=mid", true), ("truncate=fin", true),
        ]
    )
    func broken(fault: String, during: Bool) async throws {
        let error = try #require(try await failure(question(fault)))
        guard case .transfer(.connection(let connection)) = error.reason else {
            Issue.record("\(error)")
            return
        }
        #expect([.broken, .cutShort, .lostBeforeResponse].contains(connection.kind))
        #expect((error.head != nil) == during)
        #expect(error.wasSent)
    }

    @Test("Another protocol's banner is no HTTP")
    func otherProtocol() async throws {
        let error = try await failure(question("reset=garbage"))
        guard case .transfer(.connection(let connection)) = error?.reason else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(connection.kind == .notHTTP)
    }

    @Test("A lost answer on a kept-alive connection is not asked for a second time")
    func noSilentRetry() async throws {
        // A connection is not used again once it has been idle for seconds, as it may be on a busy machine.
        for attempt in 1...10 {
            let id = FaultServer.makeID("lost")
            #expect(try await failure(question("reset=billed,skip=1", as: id)) == nil)
            let error = try await failure(question("reset=billed,skip=1", as: id))
            #expect(error?.wasSent == true)
            let statistics = try await server.statistics(id)
            #expect(statistics.requests == 2)
            #expect(statistics.billed == 2)
            if statistics.connections == 1 { return }
            #expect(attempt < 10, "The connection was never used again.")
        }
    }

    @Test("A connection that the server has closed meanwhile costs a new one, not an error")
    func staleConnection() async throws {
        for round in 1...5 {
            #expect(try await failure(question("stale", stream: false)) == nil)
            #expect(try await server.statistics(id) { $0.closed == round }.closed == round)
        }
        #expect(try await server.statistics(id).billed == 5)
    }

    @Test("A large upload does not wait for a “100 Continue” that never comes")
    func noExpectation() async throws {
        var request = try question("noexpect", stream: false)
        let filler = String(repeating: "x", count: 2 << 20)
        request.body = Array(#"{"model":"m","messages":[{"role":"user","content":"\#(filler)"}]}"#.utf8)
        #expect(try await failure(request) == nil)
        let seen = try await server.statistics(id).seen
        #expect(seen.count == 1)
        #expect(seen.allSatisfy { $0["headers"]?["expect"] == nil })
    }

    @Test("An answer that comes before the upload is finished is the answer")
    func earlyAnswer() async throws {
        var request = try question("early=413")
        request.body = [UInt8](repeating: 0x20, count: 8 << 20)
        let exchange = try await transport.open(request)
        #expect(exchange.head.status == 413)
    }

    // MARK: Size

    @Test("A head without end is an error")
    func headerBomb() async throws {
        let error = try await failure(question("headerbomb=1000", stream: false, on: .runningForFloods()))
        #expect(error?.reason == .transfer(.headTooLarge))
    }

    @Test("The cap on the body counts what has been decompressed")
    func decompressionBomb() async throws {
        var request = try question("nonstream=gzipbomb,mib=64", stream: false, on: .runningForFloods())
        request.limits.body = 1 << 20
        let error = try await failure(request)
        #expect(error?.reason == .transfer(.bodyTooLarge))
    }

    @Test("Compression that nobody asked for is undone")
    func unasked() async throws {
        let exchange = try await transport.open(question("nonstream=gzip", stream: false))
        let answer = try JSONValue(parsing: await exchange.body(upTo: 1 << 20), policy: .wire)
        #expect(answer["object"]?.stringValue == "chat.completion")
    }

    // MARK: Redirects

    private let key = (name: "Authorization", value: "Bearer sk-secret-of-the-test")

    @Test("A redirect on the same server that keeps the method is followed", arguments: ["same", "relative"])
    func sameServer(target: String) async throws {
        let request = try question("redirect=\(target),code=308", stream: false, fields: [key])
        #expect(try await failure(request) == nil)
        #expect(try await server.statistics(id).billed == 1)
    }

    @Test(
        "A redirect to another server is not followed, and the key does not travel",
        arguments: ["other", "port"]
    )
    func otherServer(target: String) async throws {
        for code in [301, 302, 307, 308] {
            let request = try question(
                "redirect=\(target),code=\(code)",
                fields: [key, ("x-api-key", "another-secret")]
            )
            let error = try #require(try await failure(request))
            guard case .redirect(code, let place) = error.reason else {
                Issue.record("\(error)")
                return
            }
            #expect(place.hasPrefix(server[target == "other" ? "other" : "other_port"]))
            #expect(!"\(error)".contains("secret"))
        }
        let seen = try await server.statistics(id).seen
        #expect(seen.count == 4)
        #expect(seen.allSatisfy { $0["side"]?.stringValue == "main" })
    }

    @Test("Redirects in a circle and to other protocols end at once", arguments: ["loop", "file", "gopher"])
    func badRedirects(target: String) async throws {
        let error = try #require(try await failure(question("redirect=\(target)")))
        guard case .redirect = error.reason else {
            Issue.record("\(error)")
            return
        }
        #expect(try await server.statistics(id).billed == 0)
    }

    // MARK: Proxies

    @Test("A proxy is asked in the server's place, and only if the settings say so")
    func proxies() async throws {
        // Nobody but a proxy can answer for a name that does not exist.
        let request = HTTPRequest("GET", try WebAddress("http://no-such-host.invalid/v1/models"))
        let proxied = try Transport(TransportSettings(proxy: .address(server["url"])))
        let exchange = try await proxied.open(request)
        #expect(exchange.head.status == 200)
        let direct = try Transport(TransportSettings(proxy: .none))
        guard case .transfer(.connection(let connection)) = try await failure(request, on: direct)?.reason
        else {
            Issue.record("a name that does not exist was resolved")
            return
        }
        #expect(connection.kind == .notResolved)
    }

    @Test("The environment names the certificate authorities")
    func authorities() {
        func environment(_ variables: [String: String]) -> TransportEnvironment {
            TransportEnvironment(settings: TransportSettings()) { variables[$0] }
        }
        #expect(environment(["CURL_CA_BUNDLE": "/a", "SSL_CERT_FILE": "/b"]).authoritiesFile == "/a")
        #expect(environment(["SSL_CERT_FILE": "/b", "SSL_CERT_DIR": "/c"]).authoritiesFile == "/b")
        #expect(environment(["SSL_CERT_DIR": "/c"]).authoritiesFolder == "/c")
        #expect(environment([:]).authoritiesFile == nil)
    }

    // MARK: Trust

    @Test("Certificates are verified", arguments: ["tls", "tls_wrong_host", "tls_expired"])
    func certificates(listener: String) async throws {
        for transport in [
            try Transport(), try Transport(TransportSettings(authorities: .file(server[listener + "_ca"]))),
        ] {
            let error = try await failure(question(listener: listener), on: transport)
            if listener == "tls", transport.settings.authorities != .environment {
                #expect(error == nil, "its own authority vouches for it")
                continue
            }
            guard case .transfer(.connection(let connection)) = error?.reason else {
                Issue.record("\(listener) was trusted")
                return
            }
            #expect(connection.kind == .notTrusted)
            #expect(error?.wasSent == false)
        }
        #expect(try await server.statistics(id).billed == (listener == "tls" ? 1 : 0))
    }
}

/// A listening socket that never accepts and whose queue is full.
private final class FullListener {
    let port: UInt16
    private var sockets: [Int32] = []

    init() throws {
        #if canImport(Glibc)
            let stream = Int32(SOCK_STREAM.rawValue)
        #else
            let stream = SOCK_STREAM
        #endif
        let listener = socket(AF_INET, stream, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        func withAddress<Result>(_ body: (UnsafeMutablePointer<sockaddr>) -> Result) -> Result {
            withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body)
            }
        }
        _ = withAddress { bind(listener, $0, length) }
        listen(listener, 0)
        _ = withAddress { getsockname(listener, $0, &length) }
        port = UInt16(bigEndian: address.sin_port)
        sockets = [listener]
        for _ in 0..<4 {
            let client = socket(AF_INET, stream, 0)
            _ = fcntl(client, F_SETFL, O_NONBLOCK)
            _ = withAddress { connect(client, $0, length) }
            sockets.append(client)
        }
    }

    deinit { for socket in sockets { close(socket) } }
}
