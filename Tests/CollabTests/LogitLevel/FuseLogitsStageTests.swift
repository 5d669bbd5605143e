import Collab
import CollabTesting
import Testing

@Suite("Fusion as the last stage of a pipeline")
struct FuseLogitsStageTests {
    /// Leaves drafts without settling, as a debate does.
    struct Drafting: Stage {
        var name: String { "Drafting" }
        func callRange(teamSize: Int) -> ClosedRange<Int> { 0...0 }
        func advance<Access: AccessLevel>(_ deliberation: inout Deliberation<Access>)
            async throws(CollabError)
        {
            for (author, text) in [("ann", "first"), ("bob", " b "), ("ann", "a")] {
                deliberation.drafts.append(
                    Draft(author: author, response: Response(text: text, model: author), origin: name)
                )
            }
        }
    }

    /// Says which letters of the prompt it saw, once.
    func echo(_ name: String, _ seen: Protected<[String: String]>) -> RecordingModel {
        RecordingModel(ToyModel(name, writing: ""), seen)
    }

    @Test("settles the answer and streams it")
    func settles() async throws {
        let pipeline = Pipeline {
            Team {
                ToyModel("one", writing: "abcd")
                ToyModel("two", writing: "abcd")
            }
            FuseLogits(.mixture)
        }
        let pieces = Pieces()
        let response = try await pipeline.respond(to: "a", into: pieces.sink)
        #expect(response.text == "abcd")
        #expect(await pieces.all == ["a", "b", "c", "d"])
        #expect(response.usage.calls == 1)
        #expect(response.trace?["FuseLogits (mixture)"]?.children.first?.note("tokens") == "5")
        #expect(pipeline.forecast().calls == 1...1)
    }

    @Test(
        "a team that cannot be fused is refused before the stages in front have cost anything",
        arguments: [false, true]
    )
    func earlyRefusal(inBranch: Bool) async throws {
        let reads = Protected(0)
        var counting = ToyModel("letters", writing: "a")
        counting.onAppend = { (_) async throws(CollabError) in reads.withLock { $0 += 1 } }
        let other = ToyModel("digits", ToyTokenizer(["1", "2"]), writing: "1")
        let pipeline = Pipeline {
            Team {
                counting; other
            }
            Cascade(until: .confidence(above: 2))
            if inBranch {
                Drafting()
                FuseLogits(.mixture)
            }
            FuseLogits(.productOfExperts)
        }
        let error = await #expect(throws: CollabError.self) { try await pipeline.respond(to: "a") }
        #expect(error?.code == .vocabularyMismatch)
        #expect(error?.path.first?.contains("FuseLogits (") == true)
        #expect(reads.withLock { $0 } == 0)
    }

    /// Keeps the first member.
    struct Narrowing: Stage {
        let name = "narrow"
        let replacesTeam = true
        func callRange(teamSize: Int) -> ClosedRange<Int> { 0...0 }
        func advance<Access: AccessLevel>(_ deliberation: inout Deliberation<Access>)
            async throws(CollabError)
        {
            deliberation.team.members.removeLast(deliberation.team.members.count - 1)
        }
    }

    @Test("a team that a stage replaces first is not judged beforehand")
    func replacedTeam() async throws {
        let pipeline = Pipeline {
            Team {
                ToyModel("letters", writing: "ab")
                ToyModel("digits", ToyTokenizer(["1", "2"]), writing: "1")
            }
            Narrowing()
            FuseLogits(.productOfExperts)
        }
        #expect(try await pipeline.respond(to: "a").text == "ab")
    }

    @Test("members see every author's latest draft, unless they are told otherwise")
    func drafts() async throws {
        let seen = Protected<[String: String]>([:])
        func ask(_ context: DraftContext) async throws -> [String: String] {
            seen.withLock { $0 = [:] }
            _ = try await Pipeline {
                Team {
                    echo("one", seen)
                    echo("two", seen)
                }
                Drafting()
                FuseLogits(.mixture, informedBy: context)
            }.respond(to: "What?")
            return seen.withLock { $0 }
        }
        let informed =
            "What?\n\nAnswers that were proposed:\n- ann: a\n- bob: b\n\nWrite the best final answer."
        #expect(try await ask(.drafts) == ["one": informed, "two": informed])
        #expect(try await ask(.nothing) == ["one": "What?", "two": "What?"])
        #expect(try await ask(.drafts(for: "two")) == ["one": "What?", "two": informed])
        let own = DraftContext { member, request, drafts in
            Request("\(member) \(drafts.count) \(request.question)")
        }
        #expect(try await ask(own) == ["one": "one 3 What?", "two": "two 3 What?"])
    }

    @Test("roles of one model decide themselves what they see")
    func roles() async throws {
        let seen = Protected<[String: String]>([:])
        _ = try await Pipeline {
            Team {
                echo("one", seen).role("independent")
                // A role stays one under another name.
                echo("two", seen).role("informed") { request, drafts in
                    Request("\(request.question) \(drafts.map(\.author).joined(separator: ","))")
                }.named("renamed")
            }
            Drafting()
            FuseLogits(.contextAware(alpha: 0.5))
        }.respond(to: "What?")
        #expect(seen.withLock { $0 } == ["one": "What?", "two": "What? ann,bob,ann"])
    }

    @Test("a role can have instructions of its own")
    func instructions() throws {
        let model = ToyModel(writing: "")
        let role = model.role("terse", instructions: "Be short.")
        #expect(role.name == "terse")
        let tokens = try role.promptTokens(for: "ab")
        #expect(tokens == [0, 1], "the toy renders the question only")
    }

    @Test("drafts go in front of a text that is to be continued")
    func completion() {
        let draft = Draft(author: "ann", response: Response(text: "x", model: "m"), origin: "d")
        #expect(
            Request.completion("The end is").informed(by: [draft]).input
                == .completion("Notes:\n- ann: x\n\nThe end is")
        )
        #expect(Request("q").informed(by: []) == Request("q"))
    }

    @Test("a fusion that cannot be is refused with the stage's name")
    func refused() async {
        let pipeline = Pipeline {
            Team {
                ToyModel("one", writing: "abcd")
                ToyModel("two", writing: "abcd")
            }
            FuseLogits(.dexperts())
        }
        let error = await #expect(throws: CollabError.self) { try await pipeline.respond(to: "a") }
        #expect(error?.code == .invalidRequest)
        #expect(error?.path.contains("FuseLogits (DExperts)") == true)
    }
}

/// Records the question of each request it is started with, under its name.
struct RecordingModel: LogitModel {
    private let base: ToyModel
    private let seen: Protected<[String: String]>
    init(_ base: ToyModel, _ seen: Protected<[String: String]>) {
        self.base = base
        self.seen = seen
    }
    var name: String { base.name }
    var tokenizer: any Tokenizer { base.tokenizer }
    var contextLength: Int { base.contextLength }
    func promptTokens(for request: Request) throws(CollabError) -> [TokenID] {
        seen.withLock { $0[base.name] = request.question }
        return [0]
    }
    func makeDecoder() async throws(CollabError) -> any Decoder { try await base.makeDecoder() }
}
