import Collab
import Foundation
import Testing

@testable import CollabBackends

@Suite("Secrets")
struct SecretTests {
    @Test("A secret prints, dumps and mirrors without its value, alone and inside other values")
    func printing() throws {
        let secret = Secret { canaryKey }
        expectNoKey(in: secret)
        expectNoKey(in: [secret])
        expectNoKey(in: ["key": secret])
        #expect("\(secret)" == "Secret(redacted)")
        let settings = RemoteSettings(fields: ["x-key": canaryKey])
        let model = try RemoteModel("m", at: "https://example.org/v1", key: secret, settings: settings)
        expectNoKey(in: model)
        expectNoKey(in: settings)
        expectNoKey(in: model.endpoint)
    }

    @Test("A request on the wire and a redactor print without the keys that they hold")
    func printingRequests() async throws {
        let settings = RemoteSettings(fields: ["x-key": "another-secret"])
        let endpoint = try Endpoint("https://example.org/v1", key: Secret { canaryKey }, settings: settings)
        let (request, redactor, _) = try await endpoint.request("POST", "chat/completions", body: [])
        expectNoKey(in: request)
        expectNoKey(in: request, "another-secret")
        expectNoKey(in: redactor)
        #expect(redactor.scrub("a \(canaryKey) b another-secret") == "a [redacted] b [redacted]")
    }

    @Test("White space around a key is dropped")
    func trimming() async throws {
        #expect(try await Secret { " \(canaryKey)\n" }.reveal() == canaryKey)
    }

    @Test("A key that could smuggle in a header field is refused without being shown")
    func injection() async {
        let secret = Secret { "\(canaryKey)\r\nX-Evil: 1" }
        let error = await #expect(throws: CollabError.self) { try await secret.reveal() }
        #expect(error?.code == .invalidRequest)
        expectNoKey(in: error as Any)
    }

    @Test("A missing environment variable is named when the key is needed")
    func missingVariable() async throws {
        let model = try RemoteModel(
            "m",
            at: "http://127.0.0.1:9/v1",
            key: .environment("COLLAB_NO_SUCH_VARIABLE")
        )
        let error = await #expect(throws: CollabError.self) { try await model.respond(to: "hi") }
        #expect(error?.code == .unauthorized)
        #expect(error?.message.contains("COLLAB_NO_SUCH_VARIABLE") == true)
    }

    @Test("A key comes from the environment")
    func variable() async throws {
        setenv("COLLAB_TEST_KEY", canaryKey, 1)
        #expect(try await Secret.environment("COLLAB_TEST_KEY").reveal() == canaryKey)
    }

    @Test("A closure that fails is the cause of the error")
    func failingClosure() async {
        struct VaultError: Error {}
        let error = await #expect(throws: CollabError.self) {
            try await Secret { throw VaultError() }.reveal()
        }
        #expect(error?.code == .callerFailed)
        #expect(error?.cause is VaultError)
    }

    @Test("A key is not sent in the clear to another machine unless that is asked for")
    func plainHTTP() throws {
        let key = Secret { canaryKey }
        let error = #expect(throws: CollabError.self) {
            try RemoteModel("m", at: "http://10.0.0.5:8000/v1", key: key)
        }
        #expect(error?.code == .invalidRequest)
        _ = try RemoteModel("m", at: "http://10.0.0.5:8000/v1")
        _ = try RemoteModel("m", at: "https://10.0.0.5:8000/v1", key: key)
        for host in ["127.0.0.1", "localhost", "127.1.2.3", "[::1]"] {
            _ = try RemoteModel("m", at: "http://\(host):8000/v1", key: key)
        }
        for host in ["127.0.0.1.evil.example", "localhost.evil.example", "127.evil"] {
            #expect(throws: CollabError.self) { try RemoteModel("m", at: "http://\(host)/v1", key: key) }
        }
        let trusting = RemoteSettings(sendsKeyOverPlainHTTP: true)
        _ = try RemoteModel("m", at: "http://10.0.0.5:8000/v1", key: key, settings: trusting)
    }
}

@Suite("Web addresses")
struct WebAddressTests {
    @Test(
        "A path is appended before the query, with one slash",
        arguments: ["https://h/v1", "https://h/v1/"]
    )
    func appending(base: String) throws {
        #expect(try WebAddress(base).appending("chat/completions").whole == "https://h/v1/chat/completions")
        let azure = try WebAddress(base + "?api-version=2024").appending("models")
        #expect(azure.whole.hasSuffix("models?api-version=2024"))
        #expect(!"\(azure)".contains("2024"), "a query may hold a key")
    }

    @Test("Standard ports and spelling make no difference to an origin")
    func origins() throws {
        let plain = try WebAddress("https://Example.org/v1")
        #expect(plain.hasSameOrigin(as: try WebAddress("https://example.org:443/x")))
        #expect(!plain.hasSameOrigin(as: try WebAddress("http://example.org/v1")))
        #expect(!plain.hasSameOrigin(as: try WebAddress("https://example.org:8443/v1")))
        #expect(!plain.hasSameOrigin(as: try WebAddress("https://example.org.evil.example/v1")))
    }

    @Test("Relative targets are resolved as a browser would")
    func relative() throws {
        let base = try WebAddress("http://127.0.0.1:80/a/b?x=1")
        #expect(
            try WebAddress("/c", relativeTo: base).whole == "http://127.0.0.1/c"
                || WebAddress("/c", relativeTo: base).port == 80
        )
        #expect(try WebAddress("c", relativeTo: base).path == "/a/c")
        #expect(try WebAddress("//other/c", relativeTo: base).host == "other")
    }

    @Test(
        "What is no address of a server is refused",
        arguments: [
            "", "localhost:8080", "ftp://host/v1", "file:///etc/passwd", "http://",
            "http://user:pass@host/v1",
            "http://host/v1\r\nX: y", "http://ho st/v1", "https://host:99999/v1",
        ]
    )
    func refused(text: String) {
        let error = #expect(throws: CollabError.self) { try WebAddress(text) }
        #expect(error?.code == .invalidRequest)
        #expect(error?.message.contains("pass@") != true)
    }
}
