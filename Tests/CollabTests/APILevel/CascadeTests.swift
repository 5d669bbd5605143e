import Collab
import CollabTesting
import Testing

@Suite("A cascade")
struct CascadeTests {
    let sure = ScriptedAnswer("42", probability: 0.9)
    let unsure = ScriptedAnswer("41", probability: 0.5)

    @Test("takes the first answer that is sure enough, and asks nobody after it")
    func acceptsEarly() async throws {
        let small = ScriptedModel("small", always: sure)
        let large = ScriptedModel("large", always: "43")
        let cascade = Cascade(until: .confidence(above: 0.8)) {
            small
            large
        }
        let answer = try await cascade.respond(to: "What is 17 + 25?")
        #expect(answer.text == "42")
        #expect(answer.model == "small")
        #expect(large.callCount == 0)
        #expect(cascade.callRange == 1...2)
        #expect(answer.usage.calls == 1)
    }

    @Test("goes on while answers are not sure enough, and keeps every score in the decision")
    func escalates() async throws {
        let cascade = Cascade(until: .confidence(above: 0.8)) {
            ScriptedModel("small", always: unsure)
            ScriptedModel("middle", always: sure)
            ScriptedModel("large", always: "43")
        }
        let answer = try await cascade.respond(to: "What is 17 + 25?")
        #expect(answer.text == "42")
        let decision = try #require(answer.trace?.root.decisions.first)
        #expect(decision.choice == "middle")
        #expect(decision.scores.map(\.candidate) == ["small", "middle"])
        #expect(abs((decision.scores[0].value ?? 0) - 0.5) < 1e-9)
        #expect(decision.threshold == 0.8)
        #expect(decision.reason.contains("small: mean token probability 0.5 is not above 0.8"))
    }

    @Test("never accepts a confidence that was not measured")
    func unmeasured() async throws {
        let cascade = Cascade(until: .confidence(above: 0)) {
            ScriptedModel("silent", always: "41")
            ScriptedModel("large", always: "42")
        }
        let answer = try await cascade.respond(to: "?")
        #expect(answer.text == "42")
        let decision = try #require(answer.trace?.root.decisions.first)
        #expect(decision.choice == "large (not accepted)")
        #expect(decision.scores.map(\.value) == [nil, nil])
        #expect(decision.reason.contains("could not be measured"))
        #expect(answer.trace?.root.note("accepted")?.hasPrefix("no") == true)
    }

    @Test("does not take a confidence equal to the threshold for one above it")
    func strictly() async throws {
        let large = ScriptedModel("large", always: "42")
        let cascade = Cascade(until: .confidence(.measured("half") { _ in 0.5 }, above: 0.5)) {
            ScriptedModel("small", always: "41")
            large
        }
        _ = try await cascade.respond(to: "?")
        #expect(large.callCount == 1)
    }

    @Test("streams only the answer that it gives")
    func streams() async throws {
        let cascade = Cascade(until: .confidence(above: 0.8)) {
            ScriptedModel("small", always: ScriptedAnswer("I am not sure", probability: 0.3))
            ScriptedModel("large", always: ScriptedAnswer("It is 42", probability: 0.4))
        }
        var pieces: [String] = []
        for try await piece in cascade.stream("?").text { pieces.append(piece) }
        #expect(pieces == ["It", " is", " 42"])
    }

    @Test("passes over members that fail")
    func toleratesFailures() async throws {
        let cascade = Cascade(until: .confidence(above: 0.8)) {
            ScriptedModel("small", always: sure).alwaysFailing()
            ScriptedModel("large", always: ScriptedAnswer("42", probability: 0.95))
        }
        let answer = try await cascade.respond(to: "?")
        #expect(answer.text == "42")
        #expect(answer.trace?.root.decisions.first?.reason.contains("small: failed (serverError)") == true)
    }

    @Test("falls back on the last member that answered if the last of all fails")
    func lastFails() async throws {
        let cascade = Cascade(until: .confidence(above: 0.8)) {
            ScriptedModel("small", always: unsure)
            ScriptedModel("large", always: "42").alwaysFailing()
        }
        let answer = try await cascade.respond(to: "?")
        #expect(answer.text == "41")
        #expect(answer.trace?.root.decisions.first?.choice == "small (not accepted)")
    }

    @Test("fails, with the cause, if every member does")
    func everybodyFails() async throws {
        let cascade = Cascade(until: .confidence(above: 0.8)) {
            ScriptedModel("small", always: sure).alwaysFailing()
            ScriptedModel("large", always: sure).alwaysFailing(with: CollabError(.transport, "No route."))
        }
        let error = try await #require(throws: CollabError.self) { try await cascade.respond(to: "?") }
        #expect(error.code == .transport)
        #expect(error.description.contains("No route."))
    }

    @Test("does not pass a broken answer off as a whole one")
    func breaksWhileStreaming() async throws {
        let broken = ScriptedModel("large", always: "It is 42")
            .injecting(.failureAfter(pieces: 1, CollabError(.truncatedResponse, "Cut."))) { _ in true }
        let cascade = Cascade(until: .confidence(above: 0.8)) {
            ScriptedModel("small", always: unsure)
            broken
        }
        var pieces: [String] = []
        let error = await #expect(throws: CollabError.self) {
            for try await piece in cascade.stream("?").text { pieces.append(piece) }
        }
        #expect(error?.code == .truncatedResponse)
        #expect(pieces == ["It"])
    }

    @Test("refuses to work without members")
    func empty() async throws {
        let cascade = Cascade(until: .confidence(above: 0.8)) {}
        let error = try await #require(throws: CollabError.self) { try await cascade.respond(to: "?") }
        #expect(error.code == .emptyTeam)
    }

    @Test("gives its best answer when the budget is exhausted, and marks it", arguments: 0...3)
    func budget(calls: Int) async throws {
        let cascade = Cascade(until: .confidence(above: 0.8)) {
            ScriptedModel("a", always: ScriptedAnswer("1", probability: 0.6))
            ScriptedModel("b", always: ScriptedAnswer("2", probability: 0.5))
            ScriptedModel("c", always: ScriptedAnswer("3", probability: 0.7))
        }
        let run = Run(budget: .calls(calls))
        if calls == 0 {
            let error = await #expect(throws: CollabError.self) {
                try await cascade.respond(to: "?", in: run)
            }
            #expect(error?.code == .budgetExhausted)
        } else {
            let answer = try await cascade.respond(to: "?", in: run)
            #expect(answer.text == ["1", "1", "3"][calls - 1])
            #expect((answer.ending == .budgetExhausted) == (calls < 3))
            #expect(run.usage.calls == calls)
        }
    }

    @Test("gives the answer that it has when the budget ends while its confidence is measured")
    func budgetWhileJudging() async throws {
        let judge = ScriptedModel("judge", always: "0.5")
        let asking = ConfidenceSignal.measured("a judge's opinion") { evidence in
            Double(try await judge.respond(to: evidence.request).text)
        }
        let cascade = Cascade(until: .confidence(asking, above: 0.8)) {
            ScriptedModel("a", always: "1")
            ScriptedModel("b", always: "2")
        }
        let answer = try await cascade.respond(to: "?", in: Run(budget: .calls(1)))
        #expect(answer.text == "1")
        #expect(answer.ending == .budgetExhausted)
        #expect(judge.callCount == 0)
    }

    @Test(
        "goes on to the next member if whoever judges an answer fails, but hides no mistake of the program's"
    )
    func judgeFails() async throws {
        func cascade(_ code: CollabError.Code) -> Cascade<Team<TextAccess>> {
            let judge = ScriptedModel("judge", always: "yes").alwaysFailing(with: CollabError(code, "No."))
            return Cascade(until: .confidence(.verified(by: judge), above: 0.5)) {
                ScriptedModel("a", always: "1")
                ScriptedModel("b", always: "2")
            }
        }
        let answer = try await cascade(.timeout).respond(to: "?")
        #expect(answer.text == "2")
        let decision = try #require(answer.trace?.root.decisions.first)
        #expect(decision.choice == "b (not accepted)")
        #expect(decision.reason.contains("a: could not be judged (timeout"))
        let error = await #expect(throws: CollabError.self) {
            try await cascade(.invalidRequest).respond(to: "?")
        }
        #expect(error?.code == .invalidRequest)
    }

    @Test("stops at once when it is cancelled", arguments: 1...2)
    func cancellation(stalledMember: Int) async throws {
        let last = ScriptedModel("last", always: "42")
        let cascade = Cascade(until: .confidence(above: 0.8)) {
            for member in 1...2 {
                ScriptedModel("m\(member)", always: unsure).injecting(.stall) { _ in member == stalledMember }
            }
            last
        }
        let task = Task { try await cascade.respond(to: "?") }
        try await Task.sleep(for: .milliseconds(20))
        task.cancel()
        let error = await #expect(throws: CollabError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        #expect(last.callCount == 0)
    }

    @Test("asks a model that sits in it twice for two different samples")
    func twice() async throws {
        let model = ScriptedModel("model", samples: ["a", "b"])
        let cascade = Cascade(until: .confidence(above: 0.8)) {
            model
            model
        }
        #expect(try await cascade.respond(to: "?").text == "b")
        #expect(model.requests.map(\.sample) == [0, 1])
    }
}

@Suite("A cascade in a pipeline")
struct CascadeStageTests {
    @Test("settles the question, so that later stages are skipped")
    func settles() async throws {
        let pipeline = Pipeline {
            Team("t") {
                ScriptedModel("small", always: ScriptedAnswer("42", probability: 0.9))
                ScriptedModel("large", always: "43")
            }
            Cascade(until: .confidence(above: 0.8))
            Cascade(until: .confidence(above: 0.99))
        }
        let answer = try await pipeline.respond(to: "?")
        #expect(answer.text == "42")
        #expect(answer.trace?.root.children.map(\.name) == ["cascade"])
        #expect(pipeline.forecast().calls == 1...4)
    }

    @Test("keeps the answers that it did not accept as drafts, the surest leading")
    func leavesDrafts() async throws {
        let probe = Probe()
        let pipeline = Pipeline {
            Team("t") {
                ScriptedModel("a", always: ScriptedAnswer("1", probability: 0.6))
                ScriptedModel("b", always: ScriptedAnswer("2", probability: 0.5))
            }
            Cascade(until: .confidence(above: 0.8))
            probe
        }
        var pieces: [String] = []
        for try await piece in pipeline.stream("?").text { pieces.append(piece) }
        #expect(pieces == ["1"])
        #expect(probe.drafts.map(\.author) == ["a", "b"])
        #expect(probe.drafts.map(\.text) == ["1", "2"])
        #expect(probe.leading == "a")
    }
}
