import CollabTesting
import Testing

@testable import Collab

/// Everything that protocols say to their members can be said in another language.
@Suite("A wording")
struct WordingTests {
    /// What was asked of a wording, and what members were told.
    private final class Record: Sendable {
        let phrases = Protected<Set<String>>([])
        let told = Protected<[String]>([])

        /// Puts every phrase in brackets.
        var marking: Wording {
            Wording { [phrases] english in
                phrases.withLock { _ = $0.insert(english) }
                return "⟦\(english)⟧"
            }
        }

        /// Members without letters in their names, who say something of figures alone, whatever they are asked.
        func members(_ count: Int) -> [any TextModel] {
            (0..<count).map { place in
                ScriptedModel("\(place)\(place)") { [told] (request, call) async throws(CollabError) in
                    told.withLock { $0 += request.messages.map(\.text) }
                    return ScriptedAnswer("1. \(41 + place)\n2. \(40 + place + call % 2)")
                }
            }
        }
    }

    /// Every protocol that speaks, in some wording, over four members.
    private static let protocols: [@Sendable (Wording, [any TextModel]) -> any TextModel] = [
        { words, all in Mixture(layers: 2, aggregator: all[0], prompts: .standard(in: words)) { all } },
        { words, all in worded(SequentialMixture(samples: 2), words) { $0.rules.wording = $1 }() { all } },
        { words, all in worded(RankAndFuse(answers: .numeric), words) { $0.rules.wording = $1 }() { all } },
        { words, all in worded(KnowledgeCards(), words) { $0.rules.wording = $1 }() { all } },
        { words, all in worded(DivideAndConquer(), words) { $0.rules.wording = $1 }() { all } },
        { words, all in worded(Skeleton(), words) { $0.rules.wording = $1 }() { all } },
        { words, all in worded(Blackboard(answers: .numeric), words) { $0.rules.wording = $1 }() { all } },
        { words, all in Debate("0", DebateRules(answers: .numeric, prompts: .standard(in: words))) { all } },
        { words, all in
            let rules = DebateRules(
                answers: .numeric,
                until: .judge(all[0], in: words),
                visibility: .previousRound,
                prompts: .common(in: words)
            )
            return Debate("0", rules) { all }
        },
        { words, all in Debate("0", .reconcile(answers: .numeric, wording: words)) { all } },
        { words, all in
            let rules = DebateRules.reconcile(
                answers: .numeric,
                confidence: .meanTokenProbability,
                wording: words
            )
            return Debate("0", rules) { all }
        },
        { words, all in
            Debate("0", .exchangeOfThought(of: 4, rounds: 2, answers: .numeric, wording: words)) { all }
        },
        { words, all in Debate("0", .differentMethods(answers: .numeric, wording: words)) { all } },
        { words, all in TrajectoryDebate(answers: .numeric, wording: words)() { all } },
        { words, all in worded(SummarisedDebate(answers: .numeric), words) { $0.rules.wording = $1 }() { all }
        },
        { words, all in
            worded(ModeratedDebate(rounds: 2, answers: .numeric), words) { $0.rules.wording = $1 }() { all }
        },
        { words, all in worded(PersonaPanel(answers: .numeric), words) { $0.rules.wording = $1 }() { all } },
        { words, all in
            worded(Refine(critic: .last, answers: .numeric), words) { $0.rules.wording = $1 }() { all }
        },
        { words, all in worded(PeerFeedback(answers: .numeric), words) { $0.rules.wording = $1 }() { all } },
        { words, all in worded(VerifierLoop(answers: .numeric), words) { $0.rules.wording = $1 }() { all } },
        { words, all in worded(CrossExamination(answers: .numeric), words) { $0.rules.wording = $1 }() { all }
        },
        { words, all in worded(CooperativeProbe(answers: .numeric), words) { $0.rules.wording = $1 }() { all }
        },
        { words, all in worded(CompetitiveProbe(answers: .numeric), words) { $0.rules.wording = $1 }() { all }
        },
        { words, all in worded(Delphi(), words) { $0.rules.wording = $1 }() { all } },
        { words, all in worded(Delphi(answers: .freeText), words) { $0.rules.wording = $1 }() { all } },
        { words, all in worded(NominalGroup(answers: .numeric), words) { $0.rules.wording = $1 }() { all } },
        { words, all in worded(DevilsAdvocate(answers: .numeric), words) { $0.rules.wording = $1 }() { all }
        },
        { words, all in
            worded(DialecticalInquiry(answers: .numeric), words) { $0.rules.wording = $1 }() { all }
        },
        { words, all in worded(Stepladder(answers: .numeric), words) { $0.rules.wording = $1 }() { all } },
        { words, all in
            worded(ConsensusConference(answers: .numeric), words) { $0.rules.wording = $1 }() { all }
        },
        { words, all in worded(Overton(namesMembers: false), words) { $0.rules.wording = $1 }() { all } },
        { words, all in worded(Overton(), words) { $0.rules.wording = $1 }() { all } },
        { words, all in worded(Steerable(as: "9"), words) { $0.rules.wording = $1 }() { all } },
        { words, all in
            let judge = Judge(all[0], prompt: Judge.prompt(in: words))
            return Vote("0", VoteRules(answers: .numeric, aggregation: .judge(judge))) { all }
        },
        { words, all in BestOf(1, by: .verified(by: all[0], in: words)) { all } },
    ]

    private static func worded<Held: Procedure>(
        _ procedure: Held,
        _ words: Wording,
        _ set: (inout Held, Wording) -> Void
    ) -> Held {
        var procedure = procedure
        set(&procedure, words)
        return procedure
    }

    private func hold(_ make: (Wording, [any TextModel]) -> any TextModel, _ record: Record) async throws {
        func respond(_ model: some TextModel) async throws {
            _ = try await model.respond(to: "17 + 25 = ?", in: Run(seed: 1))
        }
        try await respond(make(record.marking, record.members(4)))
    }

    @Test(
        "puts everything that members are told, apart from what others have said",
        arguments: protocols.indices
    )
    func complete(place: Int) async throws {
        let record = Record()
        try await hold(Self.protocols[place], record)
        for text in record.told.withLock({ $0 }) {
            // What is left outside the brackets is figures.
            let rest = text.replacing(/⟦[^⟧]*⟧/, with: "")
            #expect(!rest.contains { $0.isLetter }, "\(rest)")
        }
        #expect(!record.phrases.withLock { $0 }.isEmpty)
    }

    @Test("has a German phrase for all that the protocols say, with as many gaps, and for nothing else")
    func german() async throws {
        let record = Record()
        for make in Self.protocols { try await hold(make, record) }
        let asked = record.phrases.withLock { $0 }.subtracting(["#"])
        let known = Set(Wording.germanPhrases.keys)
        #expect(asked.subtracting(known) == [])
        // What the members' figures do not lead to.
        #expect(known.subtracting(asked) == [])
        for (english, german) in Wording.germanPhrases {
            #expect(english.count { $0 == "#" } == german.count { $0 == "#" }, "\(english)")
            #expect(Wording.german(english) == german)
        }
    }

    @Test("knows yes and no by its words, beside the English ones")
    func verdicts() async throws {
        func attempts(_ verdict: String, _ wording: Wording) async throws -> Int {
            let author = debater("author", "Die Antwort ist 42.")
            let verifier = ScriptedModel("verifier", always: ScriptedAnswer(verdict))
            var loop = VerifierLoop(attempts: 2, answers: .numeric)
            loop.rules.wording = wording
            _ = try await loop {
                author; verifier
            }.respond(to: "Wie viele?")
            return author.callCount
        }
        #expect(try await attempts("Ja, das stimmt.", .german) == 1)
        #expect(try await attempts("Ja, das stimmt.", .english) == 2)
        #expect(try await attempts("Yes.", .german) == 1)
        #expect(try await attempts("Nein. Die Antwort ist ja.", .german) == 2)
        #expect(try await attempts("Oui !", Wording([:], yes: ["Oui"])) == 1)
        #expect(AnswerFormat.yesNo(in: .german).answer(in: "Nach allem: nein.") == .unparsed)
        #expect(AnswerFormat.yesNo(in: .german).answer(in: "Die Antwort ist nein.") == .value("no"))
        #expect(AnswerFormat.yesNo.answer(in: "Die Antwort ist nein.") == .unparsed)
    }

    @Test(
        "fills its gaps in order, leaves gaps alone that nothing is there for, and what fills them as it is"
    )
    func gaps() {
        let words = Wording(["# of #": "# von #", "m #": "M #"])
        #expect(words("# of #", "2", "3") == "2 von 3")
        #expect(words("# of #", "#", "3") == "# von 3")
        #expect(words("# of #", "2") == "2 von #")
        #expect(words("m #") == "M #")
        #expect(words("# for #", "1", "2") == "1 for 2")
        #expect(words("") == "")
    }

    @Test("is taken by instructions of the program's own, too, where they are in its table")
    func ownInstructions() async throws {
        let (a, b) = (debater("a", "1", "1"), debater("b", "2", "2"))
        var ladder = Stepladder(answers: .numeric)
        ladder.asksForReconsideration = "Think again."
        ladder.rules.wording = Wording(["Think again.": "Réfléchis encore.", "Question": "La question"])
        _ = try await ladder {
            a; b
        }.respond(to: "Combien ?")
        let told = try #require(a.requests.last?.question)
        #expect(told.contains("Réfléchis encore."))
        #expect(told.contains("La question: Combien ?"))
        #expect(told.contains("Your answer: 1"))
    }
}
