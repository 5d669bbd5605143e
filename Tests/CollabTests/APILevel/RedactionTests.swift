import CollabTesting
import Testing

@testable import Collab

@Suite("A redacted model")
struct RedactionTests {
    private let question = "Write to jane@x.org and JANE@x.org, pay 4111 1111 1111 1111. Again: jane@x.org"

    /// Says what it was asked, in small pieces.
    private func echo(_ size: Int = 100) -> ScriptedModel {
        ScriptedModel("remote") { (request, _) throws(CollabError) in
            var answer = ScriptedAnswer(request.question)
            let text = Array(request.question)
            answer.pieces = stride(from: 0, to: text.count, by: size).map {
                String(text[$0..<min($0 + size, text.count)])
            }
            return answer
        }
    }

    @Test("sees placeholders, the same for the same text, and its answer has the private parts back")
    func roundTrip() async throws {
        let remote = echo()
        let answer = try await remote.redacting().respond(to: question)
        #expect(
            remote.requests.map(\.question) == [
                "Write to [EMAIL_1] and [EMAIL_2], pay [CARD_1]. Again: [EMAIL_1]"
            ]
        )
        #expect(answer.text == question)
        #expect(answer.trace?.root.note("redacted") == "1 CARD, 2 EMAIL")
    }

    @Test("streams the private parts back, however its answer is cut", arguments: 1...12)
    func stream(size: Int) async throws {
        var text = ""
        for try await piece in echo(size).redacting().stream(question).text { text += piece }
        #expect(text == question)
    }

    @Test("holds nothing back that cannot become a placeholder")
    func prompt() async throws {
        let redaction = try await Redaction(of: "a@b.org", by: [.email])
        var restorer = PlaceholderRestorer(redaction)
        #expect(restorer.add("see [1] and [EM") == "see [1] and ")
        #expect(restorer.add("AIL") == "")
        #expect(restorer.add("S] or [email_") == "[EMAILS] or ")
        #expect(restorer.add("1]!") == "a@b.org!")
        #expect(restorer.add("[EMAIL_") == "")
        #expect(restorer.finish() == "[EMAIL_")
    }

    @Test("never takes a placeholder that the request itself contains")
    func collision() async throws {
        let text = "What is [email_1]? I am a@b.org."
        let redaction = try await Redaction(of: Request(text), by: [.email])
        #expect(redaction.request.question == "What is [email_1]? I am [EMAIL_X1].")
        #expect(redaction.restored("[EMAIL_1] [EMAIL_X1]") == "[EMAIL_1] a@b.org")
        let nested = try await Redaction(of: Request(text + " [EMAIL_X1]"), by: [.email])
        #expect(nested.entries.map(\.placeholder) == ["[EMAIL_XX1]"])
    }

    @Test("tells ten from one")
    func ten() async throws {
        let text = (1...11).map { "u\($0)@x.org" }.joined(separator: " ")
        let redaction = try await Redaction(of: Request(text), by: [.email])
        #expect(redaction.restored(redaction.request.question) == text)
        #expect(redaction.restored("[EMAIL_11] [EMAIL_1]") == "u11@x.org u1@x.org")
    }

    @Test(
        "is sent no private part in any message, tool call or stop sequence, also where only another detector's text has it"
    )
    func everywhere() async throws {
        let call = ToolCall(id: "1", name: "mail", arguments: #"{"to":"jane@x.org"}"#)
        var request = Request([
            .system("Serve Anna Miller <jane@x.org>."), .user("Anna Miller asks"),
            .assistant("ok", toolCalls: [call]), .toolResult("sent to jane@x.org", of: call),
            .user("And now?"),
        ])
        request.options.stopSequences = ["Anna Miller:"]
        let redaction = try await Redaction(of: request, by: [.email, .words("NAME", ["Anna Miller"])])
        let sent = redaction.request.allTexts.joined(separator: "\n")
        #expect(!sent.contains("jane@x.org"))
        #expect(!sent.contains("Anna"))
        #expect(redaction.request.options.stopSequences == ["[NAME_1]:"])
        #expect(redaction.request.mappingTexts(redaction.restored) == request)
    }

    @Test("with overlapping finds has one placeholder for all of it")
    func overlaps() async throws {
        let redaction = try await Redaction(
            of: "mail anna.miller@x.org",
            by: [.words("NAME", ["miller"]), .email]
        )
        #expect(redaction.request.question == "mail [EMAIL_1]")
    }

    @Test(
        "is sent nothing of what a detector saw, also within a word, before an accent, or overlapping in another text",
        arguments: [
            ("PIN1234x", "1234"), ("pay 4111111111111111\u{301} now", "4111"),
            ("pay 4111111111111111\u{fe0f}\u{20e3}", "4111"), ("to jane@x.org\u{300}!", "jane"),
            ("ask Anna Müller-Lüdenscheidt", "Anna"), ("ask Anna Müller-Lüdenscheidt", "denscheidt"),
        ]
    )
    func fragments(text: String, part: String) async throws {
        let detectors: [PrivacyDetector] = [
            try .pattern("PIN", "[0-9]{4}(?=x)"), .cardNumber, .email,
            // Each is seen in a text of its own only.
            try .pattern("NAME", "^Anna Müller"), try .pattern("NAME", "^Müller-Lüdenscheidt"),
        ]
        let request = Request([
            .user("Anna Müller"), .assistant("Müller-Lüdenscheidt"), .user(text),
        ])
        let redaction = try await Redaction(of: request, by: detectors)
        #expect(!redaction.request.allTexts.contains { $0.contains(part) })
        #expect(!redaction.request.allTexts.contains { $0.unicodeScalars.contains { $0 == "\u{fe0f}" } })
        #expect(redaction.request.mappingTexts(redaction.restored) == request)
    }

    @Test("is not sent attachments, which nobody has searched")
    func attachments() async throws {
        let remote = echo()
        let request = Request([.user("See", attachments: [.imageAddress("https://x.org/me.png")])])
        let error = await #expect(throws: CollabError.self) {
            try await remote.redacting().respond(to: request)
        }
        #expect(error?.code == .unsupported)
        #expect(remote.callCount == 0)
    }

    @Test("that refuses is not asked, and the error does not say what was private")
    func refusing() async throws {
        let remote = echo()
        let error = await #expect(throws: CollabError.self) {
            try await remote.refusingPrivate().respond(to: question)
        }
        #expect(error?.code == .privateContent)
        #expect(error?.description.contains("2 EMAIL") == true)
        #expect(error?.description.contains("jane") == false)
        #expect(remote.callCount == 0)
        #expect(try await remote.refusingPrivate().respond(to: "Hello?").text == "Hello?")
    }

    @Test("is not asked if a detector fails")
    func failingDetector() async throws {
        struct Broken: Error {}
        let remote = echo()
        let broken = PrivacyDetector("nothing") { _ in throw Broken() }
        await #expect(throws: CollabError.self) { try await remote.redacting([broken]).respond(to: "hi") }
        #expect(remote.callCount == 0)
    }
}

@Suite("Keeping to local models")
struct KeepLocalTests {
    private let small = ScriptedModel("small", always: "from small")
    private let large = ScriptedModel("large", always: "from large")

    private func pipeline(_ members: [any TextModel]) -> Pipeline<TextAccess> {
        Pipeline {
            Team { members }
            KeepLocal()
            Cascade(until: .accepting("anything") { _ in true })
        }
    }

    @Test("Private requests reach local members only, all others everybody")
    func keeps() async throws {
        let team = pipeline([large.located(.remote), small.located(.local)])
        let private_ = try await team.respond(to: "I am a@b.org")
        #expect(private_.text == "from small")
        #expect(large.callCount == 0)
        let stage = try #require(private_.trace?["keep local"])
        #expect(stage.decisions.first?.reason == "the request holds private parts: EMAIL")
        #expect(try await team.respond(to: "Hello").text == "from large")
    }

    @Test("What nobody has declared local is not, and without a local member the request fails")
    func unknown() async throws {
        let error = await #expect(throws: CollabError.self) {
            try await pipeline([large, small.located(.remote)]).respond(to: "I am a@b.org")
        }
        #expect(error?.code == .privateContent)
        #expect(large.callCount + small.callCount == 0)
    }

    @Test("A collaboration is local only if all its members are, through every modifier")
    func profiles() {
        let (near, far) = (small.located(.local), large.located(.remote))
        #expect(near.retrying().timeout(.seconds(1)).named("x").limited(to: 1).profile.isLocal)
        #expect(ModelProfile(of: [near, near]).isLocal)
        #expect(ModelProfile(of: [near, far]).locality == .remote)
        #expect(ModelProfile(of: [near, small]).locality == .unknown)
        #expect(!near.fallback(to: far).profile.isLocal)
        #expect(
            Replicas("r") {
                near; near
            }.profile.isLocal
        )
        #expect(small.tagged("code", "eu").tagged("fast").profile.tags == ["code", "eu", "fast"])
    }

    @Test("A route chooses a team by privacy")
    func route() async throws {
        let route = Route(by: .privacy(local: "near", otherwise: "far")) {
            Team("near") { small.located(.local) }
            Team("far") { large.located(.remote) }
        }
        #expect(try await route.respond(to: "card 4111 1111 1111 1111").text == "from small")
        #expect(try await route.respond(to: "card").text == "from large")
    }

    @Test("A request that a detector could not look into goes to the local team, not to the route's fallback")
    func brokenDetector() async throws {
        struct Broken: Error {}
        let broken = PrivacyDetector("nothing") { _ in throw Broken() }
        let route = Route(by: .privacy(local: "near", otherwise: "far", detectors: [broken])) {
            Team("far") { large.located(.remote) }
            Team("near") { small.located(.local) }
        }
        let answer = try await route.respond(to: "card")
        #expect(answer.text == "from small")
        #expect(large.callCount == 0)
        let reason = answer.trace?.nodes.flatMap(\.decisions).first?.reason
        #expect(reason?.hasPrefix("it is not known whether the request is private") == true)
    }

    @Test("What a local member has said before counts as well")
    func drafts() async throws {
        struct Recalling: Stage {
            let name = "recalling"
            func callRange(teamSize: Int) -> ClosedRange<Int> { 0...0 }
            func advance<Access: AccessLevel>(_ deliberation: inout Deliberation<Access>)
                async throws(CollabError)
            {
                deliberation.drafts.append(
                    Draft(
                        author: "memory",
                        response: Response(text: "Ask jane@example.org.", model: name),
                        origin: name
                    )
                )
            }
        }
        let team = Pipeline {
            Team {
                large.located(.remote)
                small.located(.local)
            }
            Recalling()
            KeepLocal()
            Cascade(until: .accepting("anything") { _ in true })
        }
        #expect(try await team.respond(to: "Whom do I ask?").text == "from small")
        #expect(large.callCount == 0)
    }
}

@Suite("A delegation")
struct DelegationTests {
    @Test("asks the remote model a rewritten question without private parts, and merges its answer locally")
    func delegates() async throws {
        let local = ScriptedModel("local") { (request, call) throws(CollabError) in
            call == 0 ? "How does one treat gout? Write to jane@x.org" : ScriptedAnswer("Dear Jane: rest.")
        }
        let remote = ScriptedModel("remote", always: "Rest, says [EMAIL_1].")
        let team = Delegation(local: local.located(.local), remote: remote)
        let answer = try await team.respond(to: "I am jane@x.org and have gout.")
        #expect(answer.text == "Dear Jane: rest.")
        #expect(remote.requests.map(\.question) == ["How does one treat gout? Write to [EMAIL_1]"])
        #expect(local.requests[1].question.contains("Rest, says jane@x.org."))
        #expect(local.requests[1].question.hasPrefix("I am jane@x.org and have gout."))
    }

    @Test("lets the local model answer alone if the remote one fails")
    func remoteFails() async throws {
        let local = ScriptedModel("local", answers: ["What is gout?", "Alone."]).located(.local)
        let remote = ScriptedModel("remote", always: "x").alwaysFailing()
        let answer = try await Delegation(local: local, remote: remote).respond(to: "gout?")
        #expect(answer.text == "Alone.")
        #expect(answer.trace?.root.note("delegated") == "no: serverError")
    }

    @Test("tells nothing to a model that is not known to be local")
    func notLocal() async throws {
        let local = ScriptedModel("local", always: "x")
        let error = await #expect(throws: CollabError.self) {
            try await Delegation(local: local, remote: local).respond(to: "?")
        }
        #expect(error?.code == .invalidRequest)
        #expect(local.callCount == 0)
    }
}
