import Collab
import CollabTesting
import Testing

@Suite("A pipeline")
struct PipelineTests {
    @Test("without stages is answered by the first member, streamed as it is written")
    func noStages() async throws {
        let pipeline = Pipeline {
            Team("t") {
                debater("a", "one two"); debater("b", "three")
            }
        }
        var pieces: [String] = []
        for try await piece in pipeline.stream("?").text { pieces.append(piece) }
        #expect(pieces == ["one", " two"])
        #expect(pipeline.forecast().calls == 1...1)
    }

    @Test("without members is refused before anything is asked")
    func empty() async throws {
        let pipeline = Pipeline {
            Team("nobody") {}; Debate()
        }
        let error = await #expect(throws: CollabError.self) { try await pipeline.respond(to: "?") }
        #expect(error?.code == .emptyTeam)
        #expect(error?.message.contains("“nobody”") == true)
    }

    @Test("takes the team of one of two branches, with the stages of the branch", arguments: [true, false])
    func chosenTeam(isHard: Bool) async throws {
        let (a, b, c) = (debater("a", "1"), debater("b", "2"), debater("c", "3"))
        let pipeline = Pipeline {
            if isHard {
                Team("many") {
                    a; b; c
                }
                Vote(samples: 1, answers: .numeric)
            } else {
                Team("one") { a }
            }
            Debate()
        }
        _ = try await pipeline.respond(to: "?")
        #expect([a.callCount, b.callCount, c.callCount] == (isHard ? [1, 1, 1] : [1, 0, 0]))
    }

    @Test("refuses to go on with a team that a stage has emptied")
    func emptied() async throws {
        struct Dismissing: Stage {
            let name = "dismiss everybody"
            func callRange(teamSize: Int) -> ClosedRange<Int> { 0...0 }
            func advance<Access: AccessLevel>(
                _ deliberation: inout Deliberation<Access>
            ) async throws(CollabError) {
                deliberation.team.members = []
            }
        }
        let pipeline = Pipeline {
            Team("t") { debater("a", "1") }; Dismissing()
        }
        let error = await #expect(throws: CollabError.self) { try await pipeline.respond(to: "?") }
        #expect(error?.code == .emptyTeam)
    }

    @Test("refuses an empty question and options out of range before anything is asked")
    func invalid() async throws {
        let model = debater("a", "1")
        let pipeline = Pipeline {
            Team("t") { model }; Debate()
        }
        for request in [Request(""), Request("?", options: GenerationOptions(maximumTokens: 0))] {
            let error = await #expect(throws: CollabError.self) { try await pipeline.respond(to: request) }
            #expect(error?.code == .invalidRequest)
        }
        #expect(model.callCount == 0)
    }

    @Test("answers with the best draft if no stage settles, and says so")
    func unsettled() async throws {
        let pipeline = Pipeline {
            Team("t") {
                debater("a", ScriptedAnswer("1", probability: 0.3))
                debater("b", ScriptedAnswer("2", probability: 0.6))
            }
            Cascade(until: .confidence(above: 0.9))
        }
        let answer = try await pipeline.respond(to: "?")
        #expect(answer.text == "2")
        #expect(answer.trace?.root.note("settled by")?.contains("the best draft, by b") == true)
    }

    @Test("tells where an error happened")
    func errorPath() async throws {
        let pipeline = Pipeline("solver") {
            Team("t") { debater("a", "1").alwaysFailing() }
            Debate(rounds: 1)
        }
        let error = await #expect(throws: CollabError.self) { try await pipeline.respond(to: "?") }
        #expect(error?.path == ["debate", "opening"])
        #expect(error?.description.contains("├ at debate › opening") == true)
        #expect(error?.description.contains("An injected failure.") == true)
    }

    @Test("hands the pieces that it streams, joined, as the text of its answer", arguments: 0..<4)
    func piecesAreTheText(kind: Int) async throws {
        let (a, b) = (debater("a", ScriptedAnswer("It is 1", probability: 0.4)), debater("b", "No, it is 2"))
        let models: [any TextModel] = [
            Pipeline {
                Team("t") {
                    a; b
                }; Cascade(until: .confidence(above: 0.9)); Debate(rounds: 1, answers: .numeric)
            },
            Pipeline {
                Team("t") {
                    a; b
                }; Vote(samples: 2, answers: .numeric)
            },
            Pipeline {
                Team("t") {
                    a; b
                }; Debate(rounds: 1, answers: .numeric); Mixture()
            },
            Cascade(until: .confidence(above: 0.9)) {
                a;
                Pipeline {
                    Team("t") {
                        a; b
                    }; BestOf(2)
                }
            },
        ]
        var text = ""
        var response: Response?
        for try await event in models[kind].stream("?") {
            if case .text(let piece) = event { text += piece }
            if case .response(let whole) = event { response = whole }
        }
        #expect(text == response?.text)
        #expect(!text.isEmpty)
    }

    @Test("answers with what it has streamed if the budget ends in the middle of it")
    func budgetWhileStreaming() async throws {
        let writer = debater("b", "one two three")
            .injecting(.failureAfter(pieces: 2, CollabError(.budgetExhausted, "Spent."))) { $0 == 2 }
        let pipeline = Pipeline {
            Team("t") {
                debater("a", "1"); writer
            }; Mixture()
        }
        var text = ""
        var response: Response?
        for try await event in pipeline.stream("?") {
            if case .text(let piece) = event { text += piece }
            if case .response(let whole) = event { response = whole }
        }
        #expect(text == "one two")
        #expect(response?.text == text)
        #expect(response?.ending == .budgetExhausted)
    }

    @Test("stops its members when the reader leaves the stream")
    func leaving() async throws {
        let gate = Gate()
        let wasCancelled = Protected(false)
        let model = ScriptedModel("m") { (_, _) throws(CollabError) in
            gate.open()
            while !Task.isCancelled { await Task.yield() }
            wasCancelled.withLock { $0 = true }
            throw .cancelled
        }
        let pipeline = Pipeline {
            Team("t") {
                model; model
            }; Debate()
        }
        for try await event in pipeline.stream("?") {
            if case .event(let event) = event, case .started(.call, _) = event.kind { break }
        }
        await gate.wait()
        while !wasCancelled.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(1)) }
        #expect(wasCancelled.withLock { $0 })
    }

    @Test("makes as many calls as it has announced", arguments: [0, 1, 2, 3])
    func forecast(kind: Int) async throws {
        let members = (0..<3).map { debater("m\($0)", ScriptedAnswer("\($0)", probability: 0.5)) }
        let pipeline =
            switch kind {
            case 0:
                Pipeline {
                    Team("t") { for member in members { member } }; Cascade(until: .confidence(above: 0.9))
                }
            case 1:
                Pipeline {
                    Team("t") { for member in members { member } }; Debate(rounds: 2, answers: .numeric)
                }
            case 2:
                Pipeline {
                    Team("t") { for member in members { member } }; Vote(samples: 2, answers: .numeric)
                }
            default:
                Pipeline {
                    Team("t") { for member in members { member } }
                    Cascade(until: .confidence(above: 0.9))
                    Debate(rounds: 2, answers: .numeric)
                    Mixture()
                }
            }
        let answer = try await pipeline.respond(to: "?")
        // Nobody agrees and nobody is sure: the worst case, save that the mixture finds its proposals made.
        #expect(answer.usage.calls == [3, 9, 6, 10][kind])
        #expect(pipeline.forecast().calls.contains(answer.usage.calls))
        #expect(pipeline.forecast().calls.upperBound == [3, 9, 6, 16][kind])
    }

    @Test("gives the same answer and the same trace for the same seed")
    func reproducible() async throws {
        let pipeline = Pipeline {
            Team("t") { for index in 0..<4 { debater("m\(index)", ScriptedAnswer("\(index)")) } }
            Debate(
                DebateRules(rounds: 1, answers: .numeric, order: .shuffled, ties: .seeded, settling: .always)
            )
        }
        func run(_ seed: UInt64) async throws -> String {
            let run = Run(seed: seed, clock: VirtualClock())
            return try await pipeline.respond(to: "?", in: run).trace?.description ?? ""
        }
        #expect(try await run(5) == run(5))
        var answers: Set<String> = []
        for seed in UInt64(0)..<12 { answers.insert(try await run(seed)) }
        #expect(answers.count > 1)
    }
}
