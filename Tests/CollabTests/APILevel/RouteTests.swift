import Collab
import CollabTesting
import Testing

@Suite("A route")
struct RouteTests {
    let examples = ExampleRouter([
        "arithmetic": [
            "What is 3 + 4?", "Compute 12 * 9.", "How much is 100 - 37?", "What is 8 divided by 2?",
        ],
        "facts": [
            "Who wrote Faust?", "What is the capital of Peru?", "Where is Mount Etna?", "When did Rome fall?",
        ],
        "translation": ["Translate “dog” into French.", "How do you say “hello” in Spanish?"],
    ])

    @Test(
        "by examples sends questions that it has not seen to the team that they belong to",
        arguments: [
            ("What is 17 + 25?", "arithmetic"), ("How much is 81 - 9?", "arithmetic"),
            ("Please compute 6 * 7", "arithmetic"), ("Who wrote Hamlet?", "facts"),
            ("What is the capital of France?", "facts"), ("Where is Mount Fuji?", "facts"),
            ("Translate “cat” into German.", "translation"),
            ("How do you say “thanks” in Italian?", "translation"),
        ]
    )
    func examplesChoose(question: String, team: String) async throws {
        let names = ["arithmetic", "facts", "translation"]
        let decision = try await examples.route(
            Request(question),
            among: names.map { RouteCandidate(name: $0) }
        )
        #expect(decision.choice.map { names[$0] } == team)
        #expect(decision.scores.allSatisfy { $0 != nil })
    }

    /// Counts the letters of a text, and what it was asked to embed.
    private struct Letters: EmbeddingModel {
        let name = "letters"
        let dimension = 26
        func embed(_ texts: [String]) async throws(CollabError) -> [[Float]] {
            texts.map { text in
                var counts = [Float](repeating: 0, count: 26)
                for byte in text.lowercased().utf8 where (97...122).contains(byte) {
                    counts[Int(byte) - 97] += 1
                }
                let length = counts.reduce(0) { $0 + $1 * $1 }.squareRoot()
                return length > 0 ? counts.map { $0 / length } : counts
            }
        }
    }

    @Test("by examples compares the vectors of an embedding model, if it is given one")
    func embeddedExamples() async throws {
        let router = try await ExampleRouter(
            ["bees": ["bbbz", "bzz", "qqqq"], "ohs": ["oooo"], "none": []],
            embeddedBy: Letters(),
            neighbours: 2
        )
        let candidates = ["ohs", "bees", "none"].map { RouteCandidate(name: $0) }
        let decision = try await router.route(Request("bz"), among: candidates)
        #expect(decision.choice == 1)
        // cos((1, 1), (3, 1)) = 4 / √20, cos((1, 1), (1, 2)) = 3 / √10, and the mean of the two nearest.
        let expected = (4 / 20.0.squareRoot() + 3 / 10.0.squareRoot()) / 2
        #expect(abs(try #require(decision.scores[1]) - expected) < 1e-6)
        #expect(decision.scores[0] == 0 && decision.scores[2] == nil)
        let strict = try await ExampleRouter(["ohs": ["oooo"]], embeddedBy: Letters(), threshold: 0.5)
        #expect(try await strict.route(Request("bz"), among: candidates).choice == nil)
    }

    @Test("by examples chooses none for a question that resembles no example")
    func none() async throws {
        let route = Route(by: examples, otherwise: .team("facts")) {
            Team("arithmetic") { ScriptedModel("a", always: "a") }
            Team("facts") { ScriptedModel("b", always: "b") }
            Team("translation") { ScriptedModel("c", always: "c") }
        }
        let answer = try await route.respond(to: "Жизнь прекрасна")
        #expect(answer.text == "b")
        let decision = try #require(answer.trace?.root.decisions.first)
        #expect(decision.choice == "facts")
        #expect(decision.reason.contains("below 0.05; fell back to “facts”"))
        #expect(decision.scores.map(\.candidate) == ["arithmetic", "facts", "translation"])
    }

    @Test("says when it has examples for a team that is not there")
    func stranger() async throws {
        let route = Route(by: examples) { Team("arithmetic") { ScriptedModel("a", always: "a") } }
        let error = try await #require(throws: CollabError.self) { try await route.respond(to: "?") }
        #expect(error.code == .invalidRequest)
        #expect(error.message.contains("“facts”"))
    }

    @Test("gives a pipeline its team, and records the scores of all")
    func inPipeline() async throws {
        let (a, b) = (ScriptedModel("a", always: "7"), ScriptedModel("b", always: "Goethe"))
        let pipeline = Pipeline {
            Route(by: ExampleRouter(["arithmetic": ["What is 3 + 4?"], "facts": ["Who wrote Faust?"]])) {
                Team("arithmetic") { a }
                Team("facts") {
                    b
                    a
                }
            }
            Cascade(until: .accepting("always") { _ in true })
        }
        let answer = try await pipeline.respond(to: "Who wrote Emma?")
        #expect(answer.text == "Goethe")
        #expect(a.callCount == 0)
        let node = try #require(answer.trace?["route by examples"])
        #expect(node.decisions.first?.choice == "facts")
        #expect(node.decisions.first?.scores.count == 2)
        #expect(pipeline.forecast().calls == 1...2)
    }

    @Test("takes bare models as teams of one and gives the weakest access")
    func access() async throws {
        let text = ScriptedModel("text", always: "x")
        let logits = ScriptedLogitModel("logits", vocabulary: ["a"]) { _ in [ScriptedLogitModel.end: 1] }
        let mixed: Route<TextAccess> = Route(choosing: { _ in "logits" }) {
            Team("t") { text }
            logits
        }
        let strong: Route<LogitAccess> = Route(choosing: { _ in nil }) {
            Team("t") { logits }
            logits
        }
        #expect(mixed.teams.map(\.name) == ["t", "logits"])
        #expect(strong.teams.count == 2)
        #expect(try await mixed.team(for: "?").name == "logits")
    }

    @Test("by a prompted model reads its answer strictly")
    func prompted() async throws {
        for (text, expected) in [
            ("facts", "facts"), ("**Facts**.", "facts"), ("Team: arithmetic", "arithmetic"),
            ("2", nil), ("artifacts 1", nil), ("facts or arithmetic?", nil), ("", nil),
        ] as [(String, String?)] {
            let model = ScriptedModel("judge", always: ScriptedAnswer(text))
            let names = ["arithmetic", "facts"]
            let decision = try await PromptedRouter(model).route(
                "What is 17 + 25?",
                among: names.map { RouteCandidate(name: $0, purpose: "questions of \($0)") }
            )
            #expect(decision.choice.map { names[$0] } == expected, "\(text)")
            let prompt = try #require(model.requests.first?.question)
            #expect(prompt.contains("- facts: questions of facts"))
            #expect(prompt.contains("What is 17 + 25?"))
        }
    }

    @Test("by labels reads the model's own probabilities, corrected for what it always says")
    func labels() async throws {
        // This model likes to say “facts” whatever it is asked, but less so when it sees a plus sign.
        let vocabulary = ["+", " facts", " arithmetic", "N/A"]
        let model = ScriptedLogitModel("m", vocabulary: vocabulary, contextLength: 64) { prefix in
            prefix.contains("+")
                ? [" facts": 0.6, " arithmetic": 0.4] : [" facts": 0.95, " arithmetic": 0.05]
        }
        let candidates = [RouteCandidate(name: "arithmetic"), RouteCandidate(name: "facts")]
        let calibrated = try await LabelRouter(model).route("17 + 25", among: candidates)
        #expect(calibrated.choice == 0)
        #expect(abs((calibrated.scores[0] ?? 0) - 8 / (8 + 0.6 / 0.95)) < 1e-5)
        let raw = try await LabelRouter(model, isCalibrated: false).route("17 + 25", among: candidates)
        #expect(raw.choice == 1)
        #expect(abs((raw.scores[0] ?? 0) - 0.4) < 1e-5)
    }

    @Test("counts a router's scorings as calls, and names them in the trace")
    func scoringIsAdmitted() async throws {
        let model = ScriptedLogitModel("m", vocabulary: [" a", " b"]) { _ in [" a": 0.7, " b": 0.3] }
        let route = Route(by: .labels(using: model)) {
            Team("a") { ScriptedModel("x", always: "1") }
            Team("b") { ScriptedModel("y", always: "2") }
        }
        let answer = try await route.respond(to: "?")
        #expect(answer.usage.calls == 3)
        #expect(answer.trace?.root.children.map(\.name) == ["m", "m", "x"])
        let error = await #expect(throws: CollabError.self) {
            try await route.respond(to: "?", in: Run(budget: .calls(1)))
        }
        #expect(error?.code == .budgetExhausted)
    }

    @Test("goes on with its fallback if the router fails, and says so")
    func routerFails() async throws {
        let route = Route(by: .prompted(ScriptedModel("judge", always: "a").alwaysFailing())) {
            Team("a") { ScriptedModel("x", always: "1") }
            Team("b") { ScriptedModel("y", always: "2") }
        }
        let answer = try await route.respond(to: "?")
        #expect(answer.text == "1")
        #expect(answer.trace?.root.decisions.first?.reason.contains("the router failed (serverError") == true)
    }

    @Test("can refuse instead of falling back")
    func refuses() async throws {
        let route = Route(otherwise: .refuse, choosing: { _ in nil }) {
            Team("a") { ScriptedModel("x", always: "1") }
        }
        let error = try await #require(throws: CollabError.self) { try await route.respond(to: "?") }
        #expect(error.code == .unparsed)
    }

    @Test("refuses no teams, teams of one name, an unknown fallback and a team without members")
    func invalid() async throws {
        let model = ScriptedModel("x", always: "1")
        func code(_ route: some TextModel) async -> CollabError.Code? {
            do throws(CollabError) {
                _ = try await route.respond(to: "?")
                return nil
            } catch { return error.code }
        }
        let router = ClosureRouter { _ in "a" }
        #expect(await code(Route(by: router) {}) == .emptyTeam)
        #expect(
            await code(
                Route(by: router) {
                    Team("a") { model }; Team("a") { model }
                }
            ) == .invalidRequest
        )
        #expect(
            await code(Route(by: router, otherwise: .team("z")) { Team("a") { model } }) == .invalidRequest
        )
        #expect(
            await code(Route(by: router) { Team("a", members: [any TextModel]()) as Team<TextAccess> })
                == .emptyTeam
        )
        #expect(await code(Route(choosing: { _ in "z" }) { Team("a") { model } }) == .invalidRequest)
    }

    @Test("explains its decision without asking a team")
    func explains() async throws {
        let model = ScriptedModel("x", always: "1")
        let route = Route(by: ExampleRouter(["a": ["What is 3 + 4?"], "b": ["Who wrote Faust?"]])) {
            Team("a") { model }
            Team("b") { model }
        }
        let decision = try await route.explain("What is 5 + 6?")
        #expect(decision.choice == 0)
        #expect(model.callCount == 0)
    }
}
