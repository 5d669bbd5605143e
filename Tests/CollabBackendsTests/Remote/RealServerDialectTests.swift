import Collab
import Testing

@testable import CollabBackends

/// llama.cpp's server speaks three of the protocols, and tells about its model.
@Suite(
    "Dialects on a real server",
    .enabled(if: RealServer.isInstalled, "Scripts/real-server --install makes these tests run"),
    .serialized,
    .timeLimit(.minutes(5))
)
struct RealServerDialectTests {
    let server: RealServer

    init() throws {
        server = try RealServer.running()
    }

    private func model(_ kind: ServerKind) throws -> RemoteModel {
        try server.model(server: kind)
    }

    @Test("The same question has the same answer in every protocol, piece by piece, with its usage")
    func sameAnswer() async throws {
        let request = Request("Say hi.", options: GenerationOptions(maximumTokens: 6, sampling: .greedy))
        let chat = try await call(model(.llamaCPP), request).result.get()
        #expect(chat.text.hasPrefix("Hello"))
        for kind in [ServerKind.anthropic, .openAIResponses] {
            let outcome = await call(try model(kind), request)
            let response = try outcome.result.get()
            #expect(response.text == chat.text)
            #expect(outcome.pieces.count == 6)
            #expect(response.usage.completionTokens == 6)
            #expect(response.usage.promptTokens == chat.usage.promptTokens)
        }
        #expect(try await call(model(.anthropic), request).result.get().ending == .tokenLimit)
    }

    @Test(
        "A refusal of the request is typed in every protocol",
        arguments: [ServerKind.anthropic, .openAIResponses]
    )
    func refusedRequest(kind: ServerKind) async throws {
        let outcome = await call(try model(kind), Request(String(repeating: "word ", count: 5000)))
        #expect(outcome.error?.code == .contextOverflow)
        let stranger = try server.model(key: canaryKey, server: kind)
        #expect(await call(stranger).error?.code == .unauthorized)
    }

    @Test("It tells its context, its vocabulary and what its template can do")
    func capabilities() async throws {
        let told = try await model(.compatible).capabilities()
        #expect(told.server == .llamaCPP)
        #expect((told.contextLength, told.trainedContextLength) == (2048, 8192))
        #expect(told.vocabularySize == 49152)
        #expect((told.images, told.tools, told.logprobs) == (false, false, true))
        #expect(told.parallelRequests != nil)
        let connected = try await RemoteModel.connecting(
            "smollm2",
            at: server.base,
            key: Secret { RealServer.key },
            settings: try RealServer.settings()
        )
        #expect(connected.server == .llamaCPP)
    }
}
