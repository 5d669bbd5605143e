import Collab
import CollabTesting
import Testing

@testable import CollabBackends

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A server that lists its likeliest tokens, held against the same model in this process, whose logits are all known.
@Suite(
    "Fusing the likeliest tokens of a real server",
    .enabled(if: RealServer.isInstalled, "Scripts/real-server --install makes these tests run"),
    .serialized,
    .timeLimit(.minutes(5))
)
struct RealServerFusionTests {
    private let question = Request.completion(
        "The capital of France is",
        options: GenerationOptions(maximumTokens: 6)
    )

    @Test("the server's likeliest tokens are the model's own, token after token")
    func tops() async throws {
        let remote = try await RealServer.running().model().listingTops().startAnswer(question)
        let native = try await TopsOfLogits(try await NativeFixtures.model(.smolLM2)).startAnswer(question)
        for _ in 0..<3 {
            let (there, here) = (try await remote.next(count: 20), try await native.next(count: 20))
            // A token that is a part of a character has no text.
            #expect((18...20).contains(there.entries.count))
            #expect(there.entries[0].bytes == here.entries[0].bytes)
            // Both round activations, each in its own way.
            var divergence = 0.0
            for entry in here.entries {
                guard let other = there.logprob(of: entry.bytes) else { continue }
                divergence += exp(entry.logprob) * (entry.logprob - other)
            }
            #expect(abs(divergence) < 0.1)
            #expect(there.unseenMass > 0 && there.unseenMass < 0.6)
            for answer in [remote, native] { try await answer.write(here.entries[0].bytes) }
        }
    }

    @Test("a remote and a native member write one answer, and the trace tells how certain it was")
    func fusion() async throws {
        let remote = try RealServer.running().model().listingTops()
        let native = TopsOfLogits(try await NativeFixtures.model(.smolLM2))
        for fusion in [Fusion.mixture, .productOfExperts, .contrastive(beta: 0.2)] {
            let run = Run()
            let model = PartialFusion(fusion, members: [remote, native])
            let response = try await model.respond(to: question, in: run)
            #expect(response.text.hasPrefix(" Paris"), "\(fusion)")
            let call = try #require(run.trace?.calls.first)
            // A contrast cannot be certain where the plausible tokens reach beyond the longest list.
            let certain = try #require(call.note("certain favourites").flatMap { Int($0.prefix(1)) })
            #expect(certain >= (fusion.name == Fusion.contrastive().name ? 4 : 6), "\(fusion)")
        }
    }

    @Test("a text that the server has not listed is read as its own tokens, and control tokens end answers")
    func writing() async throws {
        let remote = try RealServer.running().model().listingTops()
        let answer = try await remote.startAnswer(Request([.user("Say hi.")]))
        try await answer.write(Array("Hello! How can I help you today?".utf8))
        let next = try await answer.next(count: 10)
        #expect(next.entries[0].bytes.isEmpty)
    }

    @Test("asked with texts alone, as any server of the protocol, it lists the same, also in a dialogue")
    func texts() async throws {
        let tokens = try await RealServer.running().model().listingTops().startAnswer(question)
        let model = try RealServer.running().model(server: .compatible)
        let texts = try await model.listingTopsOfTexts(atMost: 20).startAnswer(question)
        for _ in 0..<3 {
            let (there, here) = (try await texts.next(count: 20), try await tokens.next(count: 20))
            #expect(there.entries.count >= 18)
            for entry in there.entries {
                let other = try #require(here.logprob(of: entry.bytes))
                #expect(abs(entry.logprob - other) < 0.05)
            }
            for answer in [texts, tokens] { try await answer.write(here.entries[0].bytes) }
        }
        let request = Request([.user("Say hi.")])
        let chat = try await model.listingTopsOfTexts(atMost: 20, prefix: .understood).startAnswer(request)
        let whole = try await RealServer.running().model().listingTops().startAnswer(request)
        for answer in [chat, whole] { try await answer.write(Array("Hello! How can I help you".utf8)) }
        let (there, here) = (try await chat.next(count: 20), try await whole.next(count: 20))
        #expect(there.entries[0].bytes == here.entries[0].bytes)
        #expect(there.entries[0].bytes == Array(" today".utf8))
        for answer in [chat, whole] { try await answer.write(Array(" today?".utf8)) }
        #expect(try await chat.next(count: 20).entries[0].bytes.isEmpty)
    }
}
