import Collab
import CollabTesting
import Testing

@testable import CollabBackends

/// The server's lists can be worked out: see `listed` in the fault server.
@Suite("The likeliest tokens of servers that know no more than texts", .timeLimit(.minutes(2)))
struct RemoteTextTopsTests {
    let server: FaultServer
    let id: String

    init() throws {
        server = try FaultServer.running()
        id = FaultServer.makeID("text-tops")
    }

    private func model(
        _ faults: String = "tops=Z",
        atMost limit: Int = 5,
        _ kind: ServerKind = .compatible,
        prefix: AnswerPrefix? = nil
    ) throws -> RemoteTextTopsModel {
        try RemoteModel.faulty(faults, id: id, on: server, server: kind)
            .listingTopsOfTexts(atMost: limit, prefix: prefix)
    }

    @Test("A completion goes on from its text, each place is asked for once, and every request is counted")
    func completions() async throws {
        let answer = try await model().startAnswer(.completion("A"))
        #expect(try await answer.next(count: 3).isListed(after: 65, 3))
        #expect(try await answer.next(count: 3).isListed(after: 65, 3))
        try await answer.write(Array("xyc".utf8))
        #expect(
            try await answer.next(count: 40).isListed(after: 99, 5),
            "no more than the limit is asked for"
        )
        #expect(answer.usage.calls == 2)
        #expect(answer.usage.completionTokens == 2)
        #expect(answer.usage.promptTokens == 1 + 4)
    }

    @Test(
        "A dialogue goes on from the answer so far, which is marked as the server wants it",
        arguments: [0, 1]
    )
    func dialogues(way: Int) async throws {
        let prefix = [AnswerPrefix.marked, .continued][way]
        let answer = try await model(prefix: prefix).startAnswer(Request("Q"))
        #expect(try await answer.next(count: 3).isListed(after: 65, 3))
        try await answer.write(Array("xd".utf8))
        #expect(try await answer.next(count: 3).isListed(after: 100, 3))
    }

    @Test("Without a way to go on, dialogues are refused before anything is sent")
    func refusedDialogues() async throws {
        let model = try model()
        let error = await #expect(throws: CollabError.self) { try await model.startAnswer(Request("Q")) }
        #expect(error?.code == .unsupported)
        #expect(error?.message.contains("listingTopsOfTexts(prefix:)") == true)
    }

    @Test(
        "An end that is listed has its probability; one that is not is assumed, and the certificate says so"
    )
    func endings() async throws {
        let listing = try await model("tops=Z,end=a").startAnswer(.completion("A"))
        let first = try await listing.next(count: 5)
        #expect(first.entries.contains { $0.bytes.isEmpty })
        #expect(!first.entries.contains { $0.bytes == [97] })
        #expect(!first.isAssumed)

        let member = try model("tops=A")
        let silent = try await member.startAnswer(.completion("A")).next(count: 5)
        #expect(silent.entries == [PartialDistribution.Entry(bytes: [], logprob: 0)])
        #expect(silent.isAssumed)
        let step = try IntervalFusion(.mixture, memberCount: 1).fuse([silent])
        #expect(step.certainty == .approximate)
        #expect(!step.isFavouriteCertain)

        let nameless = try await model("tops=A,nameless").startAnswer(.completion("A")).next(count: 3)
        #expect(nameless.entries.map(\.bytes.isEmpty) == [true, false, false])
        #expect(nameless.entries[0].logprob == PartialDistribution.listed(after: 65, 3).entries[0].logprob)
        #expect(!nameless.isAssumed)

        let run = Run()
        let response = try await PartialFusion(.mixture, members: [member]).respond(
            to: .completion("A"),
            in: run
        )
        #expect(response.text.isEmpty)
        #expect(response.ending == .finished)
        #expect(run.trace?.calls.first?.note("approximate tokens") == "1 of 1")
    }

    @Test("After half a character nothing is asked, and nothing is known")
    func halfCharacters() async throws {
        let answer = try await model().startAnswer(.completion("A"))
        try await answer.write([0xC3])
        let unknown = try await answer.next(count: 3)
        #expect(unknown.entries.isEmpty && unknown.unseenMass == 1)
        #expect(answer.usage.calls == 0)
        try await answer.write([0xA9])
        #expect(try await answer.next(count: 3).entries.count == 3)
    }

    @Test("Two servers write one answer, which is that of the whole distributions")
    func fusion() async throws {
        let members = [try model(atMost: 8), try model(atMost: 8)]
        let request = Request.completion("A", options: GenerationOptions(maximumTokens: 4, sampling: .greedy))
        let response = try await PartialFusion(.productOfExperts, members: members).respond(to: request)
        // The product of a distribution with itself has the same favourites.
        var (expected, last) = ("", UInt8(65))
        for _ in 0..<4 {
            last = PartialDistribution.listed(after: last, 1).entries[0].bytes[0]
            expected.unicodeScalars.append(Unicode.Scalar(last))
        }
        #expect(response.text == expected)
        #expect(response.ending == .tokenLimit)
    }

    @Test("A server that lists nothing, or what is no probability, is malformed; others are refused")
    func faults() async throws {
        for fault in ["tops=Z,noecho", "tops=Z,badscore"] {
            let answer = try await model(fault).startAnswer(.completion("A"))
            let error = await #expect(throws: CollabError.self) { try await answer.next(count: 3) }
            #expect(error?.code == .malformedResponse)
        }
        #expect(throws: CollabError.self) { try model(atMost: 0) }
        let error = #expect(throws: CollabError.self) { try model(.init(), atMost: 5, .anthropic) }
        #expect(error?.code == .unsupported)
        let empty = try model()
        await #expect(throws: CollabError.self) { try await empty.startAnswer(.completion("")) }
    }
}
