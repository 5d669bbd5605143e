import Collab
import CollabTesting
import Testing

@testable import CollabBackends

/// The server's lists can be worked out: see `listed` in the fault server.
@Suite("The likeliest tokens of servers", .timeLimit(.minutes(2)))
struct RemoteTopLogprobTests {
    let server: FaultServer
    let id: String

    init() throws {
        server = try FaultServer.running()
        id = FaultServer.makeID("tops")
    }

    private func model(_ kind: ServerKind, _ faults: String = "ok") throws -> RemoteModel {
        try RemoteModel.faulty(faults, id: id, on: server, server: kind)
    }

    @Test(
        "Each place of an answer is asked for once, and tokens are known by their bytes",
        arguments: [ServerKind.vLLM, .llamaCPP]
    )
    func places(kind: ServerKind) async throws {
        let answer = try await model(kind).listingTops().startAnswer(.completion("A"))
        #expect(try await answer.next(count: 3).isListed(after: 65, 3))
        #expect(try await answer.next(count: 5).isListed(after: 65, 5))
        #expect(try await answer.next(count: 4).isListed(after: 65, 5), "what is known is enough")
        try await answer.write(Array("c".utf8))
        #expect(try await answer.next(count: 3).isListed(after: 99, 3))
        try await answer.write(Array("xyz".utf8))
        #expect(try await answer.next(count: 3).isListed(after: 122, 3))
        #expect(answer.usage.calls == 4)
        #expect(answer.usage.completionTokens == 4)
    }

    @Test(
        "vLLM is asked once for what follows each of some guesses; a wrong guess costs a request and no more"
    )
    func foreseeing() async throws {
        let answer = try await model(.vLLM).listingTops().startAnswer(.completion("A"))
        try await answer.foresee(["b", "Z", "a"].map { Array($0.utf8) }, count: 4)
        for (before, next) in [(65, "b"), (98, "Z"), (90, "h")] as [(UInt8, String)] {
            // “Z” is in the list of the prompt's tokens without being one of the likeliest.
            #expect(try await answer.next(count: 4).isListed(after: before, 4))
            try await answer.write(Array(next.utf8))
        }
        #expect(answer.usage.calls == 1)
        #expect(try await answer.next(count: 4).isListed(after: 104, 4))
        #expect(answer.usage.calls == 2)
    }

    @Test(
        "What is written and foreseen goes on with the answer, though the server puts a space in front of texts"
    )
    func spaced() async throws {
        for kind in [ServerKind.vLLM, .llamaCPP] {
            let answer = try await model(kind, "spaced").listingTops().startAnswer(.completion("A"))
            try await answer.foresee([Array("b".utf8)], count: 4)
            try await answer.write(Array("b".utf8))
            #expect(try await answer.next(count: 4).isListed(after: 98, 4))
            #expect(answer.usage.promptTokens == 4)
        }
    }

    @Test("llama.cpp's server cannot look ahead, and is not asked to")
    func unforeseen() async throws {
        let answer = try await model(.llamaCPP).listingTops().startAnswer(.completion("A"))
        try await answer.foresee([[97]], count: 4)
        #expect(answer.usage.calls == 0)
    }

    @Test("vLLM is asked for no more than it lists, which ends the search for certainty")
    func limits() async throws {
        let answer = try await model(.vLLM).listingTops(atMost: 2).startAnswer(.completion("A"))
        #expect(try await answer.next(count: 40).isListed(after: 65, 2))
        let member = try model(.vLLM).listingTops(atMost: 2)
        #expect(member.limit == 2)
        let run = Run()
        let request = Request.completion("A", options: GenerationOptions(maximumTokens: 3, seed: 1))
        let response = try await PartialFusion(.mixture, members: [member], asking: 2...160).respond(
            to: request,
            in: run
        )
        #expect(run.trace?.calls.first?.note("requests") == "3")
        #expect(response.text.count == 3)
    }

    @Test("A server that lists nothing, or what is no probability, is malformed; others are refused")
    func faults() async throws {
        for kind in [ServerKind.vLLM, .llamaCPP] {
            for fault in ["noecho", "badscore"] {
                let answer = try await model(kind, fault).listingTops().startAnswer(.completion("A"))
                let error = await #expect(throws: CollabError.self) { try await answer.next(count: 3) }
                #expect(error?.code == .malformedResponse)
            }
        }
        let error = #expect(throws: CollabError.self) { try model(.openAI).listingTops() }
        #expect(error?.code == .unsupported)
    }
}
