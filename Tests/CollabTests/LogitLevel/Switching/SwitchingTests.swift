import CollabTesting
import Foundation
import Testing

@testable import Collab

@Suite("Models that hand over at the borders of words and patches")
struct SwitchingTests {
    /// Words in two vocabularies that cut them differently.
    static let words = ToyTokenizer([" red", " blue", " green", ".", " r"])
    static let letters = ToyTokenizer([" ", "r", "e", "d", "b", "l", "u", "g", "n", "."])

    /// A model that goes on with a text whatever is written, sure or unsure at each of its tokens.
    private static func script(
        _ name: String,
        _ vocabulary: ToyTokenizer,
        _ text: String,
        prompt: Int = 1,
        unsureAt: Set<Int> = []
    ) -> ToyModel {
        let script = (try? vocabulary.encode(text, parsingSpecialTokens: false)) ?? []
        return ToyModel(name, vocabulary) { tokens in
            let step = tokens.count - prompt
            let wanted = step < script.count ? Int(script[step]) : vocabulary.count - 1
            return (0..<vocabulary.count).map { $0 == wanted ? (unsureAt.contains(step) ? 0.1 : 9) : 0 }
        }
    }

    private func request(_ count: Int = 40) -> Request {
        Request(.completion(" red"), options: GenerationOptions(maximumTokens: count, seed: 1))
    }

    @Test("where a base is unsure of a word, the nudger writes the whole word in its own tokens")
    func nudging() async throws {
        let base = Self.script("base", Self.words, " blue red green.", unsureAt: [1])
        // Having read “ red” and “ blue”, letter by letter, it writes “ green”, and would go on.
        let nudger = Self.script("nudger", Self.letters, " blue green blue.", prompt: 4)
        let run = Run()
        let model = SwitchingModel(.nudging(threshold: 0.4)) {
            base
            nudger
        }
        let response = try await model.respond(to: request(), in: run)
        #expect(response.text == " blue green green.")
        #expect(response.ending == .finished)
        #expect(response.tokens == nil)
        let call = try #require(run.trace?.calls.first)
        #expect(call.note("tokens") == "base 3 · nudger 6")
        // Three words and the end are places at which a base may be unsure.
        #expect(call.note("switches") == "1 of 4 turns")
    }

    @Test("unsure is whose favourite is less probable than the threshold", arguments: [(0.9, 0), (1.1, 1)])
    func threshold(factor: Double, switches: Int) async throws {
        let base = Self.script("base", Self.words, " blue red green.", unsureAt: [1])
        let nudger = Self.script("nudger", Self.letters, " blue green blue.", prompt: 4)
        // One logit of 0.1 among zeros.
        let favourite = exp(0.1) / (exp(0.1) + Double(Self.words.count - 1))
        let run = Run()
        let model = SwitchingModel(.nudging(threshold: factor * favourite)) {
            base
            nudger
        }
        _ = try await model.respond(to: request(), in: run)
        #expect(run.trace?.calls.first?.note("switches") == "\(switches) of 4 turns")
    }

    @Test("a mentor is asked at a share of the words, and heard where the generator prefers its segment")
    func mentoring() async throws {
        // Whoever is asked which is better says “A”, unless it prefers the mentor.
        func generator(prefersMentor: Bool) -> ToyModel {
            let vocabulary = ToyTokenizer([" red", " blue", "A", "B"])
            return ToyModel("generator", vocabulary) { tokens in
                // A question about segments contains both labels.
                if tokens.contains(2), tokens.contains(3) {
                    return prefersMentor ? [0, 0, 0, 9, 0] : [0, 0, 9, 0, 0]
                }
                return tokens.count < 5 ? [9, 0, 0, 0, 0] : [0, 0, 0, 0, 9]
            }
        }
        let mentor = ToyModel("mentor", ToyTokenizer([" red", " blue", "A", "B"]), always: [0, 9, 0, 0, 0])
        for (share, prefers, text) in [
            (0.0, true, " red red red red"), (1.0, false, " red red red red"),
            (1.0, true, " blue blue blue blue"),
        ] {
            let model = SwitchingModel(
                .mentoring(share: share, segment: 2),
                members: [generator(prefersMentor: prefers), mentor]
            )
            #expect(try await model.respond(to: request(4)).text == text, "share \(share), \(prefers)")
        }
    }

    @Test("patches are written in turn, by the surest, or by whom a selector names")
    func patches() async throws {
        let red = ToyModel("red", Self.words, always: [9, 0, 0, 0, 0, 0])
        let blue = ToyModel("blue", ToyTokenizer([" blue", " red"]), always: [1, 0, 0])
        func text(_ selector: SwitchRule.PatchSelector) async throws -> String {
            try await SwitchingModel(.patches(of: 2, by: selector), members: [blue, red]).respond(
                to: request(6)
            ).text
        }
        #expect(try await text(.inTurn) == " blue blue red red blue blue")
        #expect(try await text(.mostConfident) == " red red red red red red")
        let selector = ScriptedModel("selector", answers: ["Author 2.", "I do not know", "1"])
        #expect(try await text(.model(selector)) == " red red red red blue blue")
        #expect(selector.requests[2].question.contains("[2]  red red\n[2]  red red"))
    }

    @Test("of patches, one that would end the answer counts by how probable its end is")
    func improbableEnd() async throws {
        let red = ToyModel("red", Self.words, always: [9, 0, 0, 0, 0, 0])
        let unsure = ToyModel("unsure", Self.words, always: [0, 0, 0, 0, 0, 0.5])
        let sure = ToyModel("sure", Self.words, always: [0, 0, 0, 0, 0, 20])
        for (other, text) in [(unsure, " red red red red red red"), (sure, "")] {
            let model = SwitchingModel(.patches(of: 2, by: .mostConfident), members: [other, red])
            #expect(try await model.respond(to: request(6)).text == text)
        }
    }

    @Test("a word of many tokens is not cut within a character, which others could not read")
    func wholeCharacters() async throws {
        let bytes = ToyTokenizer(bytes: [[0x20], [0xc3], [0xa9]])
        // A space, then “é” again and again.
        let nudger = ToyModel("nudger", bytes) { tokens in
            switch tokens.last {
            case 1: [0, 0, 9, 0]
            case nil: [9, 0, 0, 0]
            default: [0, 9, 0, 0]
            }
        }
        let seen = Protected<[TokenID]>([])
        var base = ToyModel("base", ToyTokenizer(bytes: [[0x20], Array("é".utf8)]), always: [0.1, 0, 0])
        base.onAppend = { (tokens) async throws(CollabError) in seen.withLock { $0 += tokens } }
        let model = SwitchingModel(.nudging(threshold: 0.9), members: [base, nudger])
        let response = try await model.respond(to: request(31))
        #expect(!response.text.isEmpty && response.text.allSatisfy { $0 == "é" || $0 == " " })
        // The base has read the prompt's space and every whole character but those of the last word.
        #expect(seen.withLock { $0.count { $0 == 1 } } >= 5)
    }

    @Test("stop sequences, limits and seeds are kept")
    func limits() async throws {
        let red = ToyModel("red", Self.words, always: [1, 1, 0, 0, -9, -9])
        let model = SwitchingModel(.nudging(threshold: 0), members: [red, red])
        var limited = request(5)
        #expect(try await model.respond(to: limited).ending == .tokenLimit)
        #expect(try await model.respond(to: limited).usage.completionTokens == 5)
        limited.options.sampling = .temperature(1)
        let (first, second) = (try await model.respond(to: limited), try await model.respond(to: limited))
        #expect(first.text == second.text)
        limited.options.stopSequences = ["red"]
        limited.options.sampling = .greedy
        #expect(try await model.respond(to: limited).text == " ")
    }

    @Test("rules that make no sense are refused")
    func refusals() {
        let red = ToyModel("red", Self.words, always: [0])
        let cases: [(SwitchRule, Int, CollabError.Code)] = [
            (.nudging(), 1, .invalidRequest), (.nudging(threshold: 2), 2, .invalidRequest),
            (.mentoring(share: -1), 2, .invalidRequest), (.mentoring(segment: 0), 2, .invalidRequest),
            (.patches(of: 0), 2, .invalidRequest), (.patches(), 0, .emptyTeam),
        ]
        for (rule, count, code) in cases {
            let error = #expect(throws: CollabError.self) {
                try SwitchingModel(rule, members: Array(repeating: red, count: count)).validate()
            }
            #expect(error?.code == code)
        }
    }
}
