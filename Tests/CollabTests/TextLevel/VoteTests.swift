import Collab
import CollabTesting
import Testing

@Suite("A vote")
struct VoteTests {
    @Test("over samples of one model asks for samples of different indices, at a temperature")
    func selfConsistency() async throws {
        let model = ScriptedModel("m", samples: ["1", "2", "So it is 2", "3", "Hm"])
        let vote = Vote(samples: 5, answers: .numeric) { model }
        let answer = try await vote.respond(to: "?")
        #expect(answer.text == "2")
        #expect(Set(model.requests.map(\.sample)) == [0, 1, 2, 3, 4])
        #expect(model.requests.allSatisfy { $0.options.sampling == .temperature(0.7) })
        #expect(vote.callRange == 5...5)
        #expect(answer.usage.calls == 5)
        #expect(answer.trace?.root.note("votes") == "1 ×1, 2 ×2, 3 ×1, unparsed ×1")
    }

    @Test("leaves a sampling rule alone that the request sets, and a single sample greedy")
    func sampling() async throws {
        let model = ScriptedModel("m", always: "1")
        _ = try await Vote(samples: 1) { model }.respond(to: "?")
        _ = try await Vote(samples: 2) { model }
            .respond(to: Request("?", options: GenerationOptions(sampling: .temperature(0.2))))
        #expect(model.requests.map(\.options.sampling) == [.greedy, .temperature(0.2), .temperature(0.2)])
    }

    @Test("can weigh members")
    func weighted() async throws {
        let vote = Vote("vote", VoteRules(answers: .numeric, aggregation: .weighted(["c": 3]))) {
            debater("a", "1")
            debater("b", "1")
            debater("c", "2")
        }
        #expect(try await vote.respond(to: "?").text == "2")
        let sure = Vote("vote", VoteRules(answers: .numeric, aggregation: .confidenceWeighted)) {
            debater("a", ScriptedAnswer("1", probability: 0.3))
            debater("b", ScriptedAnswer("1", probability: 0.3))
            debater("c", ScriptedAnswer("2", probability: 0.9))
        }
        #expect(try await sure.respond(to: "?").text == "2")
    }

    @Test("takes over drafts as first samples")
    func reuse() async throws {
        let model = ScriptedModel("m", samples: [ScriptedAnswer("1", probability: 0.1), "2", "2"])
        let pipeline = Pipeline {
            Team("t") { model }
            Cascade(until: .confidence(above: 0.8))
            Vote(samples: 3, answers: .numeric)
        }
        let answer = try await pipeline.respond(to: "?")
        #expect(answer.text == "2")
        #expect(answer.usage.calls == 3)
    }

    @Test("of more samples than can be asked is refused, by whichever protocol")
    func tooMany() async throws {
        let model = debater("m", "1")
        let teams: [any TextModel] = [
            Vote(samples: .max) { model }, BestOf(.max) { model },
            AdaptiveConsistency(samples: .max)() { model }, MostSelfConsistent(samples: .max)() { model },
            SequentialMixture(samples: .max)() { model },
            Distributional(samples: .max, answers: .yesNo)() { model },
        ]
        for team in teams {
            let error = await #expect(throws: CollabError.self) { try await Self.respond(team) }
            #expect(error?.code == .invalidRequest)
        }
        #expect(model.callCount == 0)
    }

    private static func respond(_ model: some TextModel) async throws { _ = try await model.respond(to: "?") }

    @Test("of no samples is refused")
    func none() async throws {
        let error = await #expect(throws: CollabError.self) {
            try await Vote(samples: 0) { debater("a", "1") }.respond(to: "?")
        }
        #expect(error?.code == .invalidRequest)
    }

    @Test("tolerates failures within its quorum", arguments: [(1, true), (2, false)])
    func failures(count: Int, isTolerated: Bool) async throws {
        let vote = Vote(samples: 3, answers: .numeric) {
            debater("m", "1").injecting(.failure(CollabError(.transport, "No."))) { $0 <= count }
        }
        if isTolerated {
            #expect(try await vote.respond(to: "?").text == "1")
        } else {
            await #expect(throws: CollabError.self) { try await vote.respond(to: "?") }
        }
    }
}

@Suite("The best of several answers")
struct BestOfTests {
    @Test("is the one with the highest score")
    func best() async throws {
        let model = ScriptedModel("m", samples: ["short", "the longest of all", "longer"])
        let length = ConfidenceSignal.measured("length") { min(Double($0.response.text.count) / 100, 1) }
        let answer = try await BestOf(3, by: length) { model }.respond(to: "?")
        #expect(answer.text == "the longest of all")
        let decision = try #require(answer.trace?.root.decisions.first)
        #expect(decision.choice == "m #2")
        #expect(decision.scores.map(\.value) == [0.05, 0.18, 0.06])
    }

    @Test("loses to nobody if it could be scored, and is the first if none could")
    func unscored() async throws {
        let mixed = ScriptedModel("m", samples: ["silent", ScriptedAnswer("sure", probability: 0.1)])
        #expect(try await BestOf(2) { mixed }.respond(to: "?").text == "sure")
        let silent = ScriptedModel("m", samples: ["first", "second"])
        #expect(try await BestOf(2) { silent }.respond(to: "?").text == "first")
    }

    @Test("settles a pipeline, and is the best so far when the budget is exhausted")
    func stage() async throws {
        let pipeline = Pipeline {
            Team("t") {
                ScriptedModel(
                    "m",
                    samples: [ScriptedAnswer("a", probability: 0.2), ScriptedAnswer("b", probability: 0.7)]
                )
            }
            BestOf(2)
            Probe()
        }
        let answer = try await pipeline.respond(to: "?")
        #expect(answer.text == "b")
        #expect(answer.trace?.root.children.map(\.name) == ["best of 2"])
        let poor = try await pipeline.respond(to: "?", in: Run(budget: .calls(1)))
        #expect(poor.ending == .budgetExhausted)
    }
}

@Suite("A mixture")
struct MixtureTests {
    @Test("lets the aggregator write from all proposals, and streams what it writes")
    func model() async throws {
        let writer = ScriptedModel("writer", always: "Both are right")
        let mixture = Mixture(aggregator: writer) {
            debater("a", "One"); debater("b", "Two")
        }
        var pieces: [String] = []
        for try await piece in mixture.stream("?").text { pieces.append(piece) }
        #expect(pieces == ["Both", " are", " right"])
        let system = try #require(writer.requests[0].messages.first)
        #expect(system.role == .system)
        #expect(system.text.hasSuffix("\n\n1. One\n2. Two"))
        #expect(writer.requests[0].question == "?")
        #expect(mixture.callRange == 3...3)
    }

    @Test("of several layers shows every proposer all proposals of the layer before")
    func layers() async throws {
        let (a, b) = (debater("a", "One", "Three"), debater("b", "Two", "Four"))
        let writer = ScriptedModel("writer", always: "Five")
        let mixture = Mixture(layers: 2, aggregator: writer) {
            a; b
        }
        let answer = try await mixture.respond(to: "?")
        #expect(answer.usage.calls == 5)
        #expect(mixture.callRange == 3...5)
        #expect(a.requests[1].messages[0].text.hasSuffix("1. One\n2. Two"))
        #expect(b.requests[1].messages[0].text.hasSuffix("1. Two\n2. One"))
        #expect(writer.requests[0].messages[0].text.hasSuffix("1. Three\n2. Four"))
    }

    @Test("in a pipeline takes over drafts and lets a member write")
    func stage() async throws {
        let (a, b) = (
            debater("a", ScriptedAnswer("One", probability: 0.1), "Never"), debater("b", "Two", "Both")
        )
        let pipeline = Pipeline {
            Team("t") {
                a; b
            }
            Cascade(until: .confidence(above: 0.8))
            Mixture()
        }
        var pieces = ""
        for try await piece in pipeline.stream("?").text { pieces += piece }
        #expect(pieces == "Both")
        #expect((a.callCount, b.callCount) == (1, 2))
        #expect(b.requests[1].messages[0].text.hasSuffix("1. One\n2. Two"))
    }

    @Test("goes on without proposers that fail, as far as its quorum allows")
    func failures() async throws {
        let writer = ScriptedModel("writer", always: "Fine")
        let mixture = Mixture(aggregator: writer, quorum: .atLeast(1)) {
            debater("a", "One").alwaysFailing()
            debater("b", "Two")
        }
        #expect(try await mixture.respond(to: "?").text == "Fine")
        #expect(writer.requests[0].messages[0].text.hasSuffix("\n\n1. Two"))
    }

    @Test("answers with the surest proposal when the budget runs out before the writer", arguments: 1...2)
    func budget(calls: Int) async throws {
        let mixture = Mixture(aggregator: ScriptedModel("writer", always: "Fine")) {
            debater("a", ScriptedAnswer("One", probability: 0.3))
            debater("b", ScriptedAnswer("Two", probability: 0.4))
        }
        let answer = try await mixture.respond(to: "?", in: Run(budget: .calls(calls)))
        #expect(answer.ending == .budgetExhausted)
        #expect(calls == 1 || answer.text == "Two")
    }

    @Test("refuses an aggregator that is not there, and no layers")
    func invalid() async throws {
        func code(_ stage: some Stage) async -> CollabError.Code? {
            let pipeline = Pipeline {
                Team("t") { debater("a", "1") }
                stage
            }
            do throws(CollabError) {
                _ = try await pipeline.respond(to: "?")
                return nil
            } catch { return error.code }
        }
        #expect(await code(Mixture(aggregator: .named("z"))) == .invalidRequest)
        #expect(await code(Mixture(layers: 0)) == .invalidRequest)
    }
}
