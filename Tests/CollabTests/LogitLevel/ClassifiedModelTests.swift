import Testing

@testable import Collab

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite("Classifiers as factors")
struct ClassifiedModelTests {
    /// Likes texts with many “b”.
    private let likesB = ClosureClassifier("likes b") { text in
        Double(1 + text.filter { $0 == "b" }.count) / Double(2 + text.count)
    }

    private let base = ToyModel("base", always: [1, 0.5, 0.2, 0, -1])

    /// The reference is ℓ + λ log C, written out for every token.
    @Test("each candidate is judged with the text before it, the others as the text without them")
    func formula() async throws {
        func score(_ text: String) -> Double {
            Double(1 + text.filter { $0 == "b" }.count) / Double(2 + text.count)
        }
        let model = base.steered(by: likesB, strength: 2, candidates: 2)
        let start = try await model.startDecoding(Request(.completion("a")))
        let rows = [start.logits] + (try await start.decoder.append([1, 2], logits: .all))
        for (row, text) in zip(rows, ["", "b", "bc"]) {
            let letters = ["a", "b", "c", "d", ""]
            let expected = base.next([]).enumerated().map { index, value in
                Double(value) + 2 * log(score(index < 2 ? text + letters[index] : text))
            }
            let found = FusionReference.logSoftmax(row.values.map { Double($0) })
            #expect(largestDifference(found, FusionReference.logSoftmax(expected)) < 1e-5)
        }
    }

    @Test("the answer follows the classifier, forks and steps back take their text along")
    func decoding() async throws {
        let model = base.steered(by: likesB, strength: 5)
        let request = Request(.completion("a"), options: GenerationOptions(maximumTokens: 4))
        #expect(try await model.respond(to: request).text == "bbbb")
        #expect(try await base.steered(by: likesB, strength: -5).respond(to: request).text == "aaaa")
        let decoder = try await model.startDecoding(request).decoder
        let first = try await decoder.append(1).values
        let fork = try await decoder.fork()
        let second = try await decoder.append(2).values
        #expect(try await fork.append(2).values == second)
        try await decoder.truncate(to: 1)
        #expect(try await decoder.append(1).values == first)
        // A term of a formula like any model.
        #expect(try await (model + 0.5 * base).respond(to: request).text == "bbbb")
    }

    @Test("what is no probability is an error that names the classifier")
    func errors() async {
        struct Broken: TextClassifier {
            let name = "broken"
            func logProbabilities(of texts: [String], after request: Request?) async throws(CollabError)
                -> [Double]
            {
                texts.map { _ in 1 }
            }
        }
        let error = await #expect(throws: CollabError.self) {
            try await base.steered(by: Broken()).respond(to: "a")
        }
        #expect(error?.message.contains("broken") == true)
        let none = await #expect(throws: CollabError.self) {
            try await base.steered(by: likesB, candidates: 0).respond(to: "a")
        }
        #expect(none?.code == .invalidRequest)
    }

    @Test("guidance with a negative prompt is two roles of one model")
    func guidance() async throws {
        var model = ToyModel { tokens in
            // Counts what the prompt has of each letter.
            (0..<5).map { letter in letter == 4 ? -9 : Float(tokens.count { $0 == letter }) }
        }
        model.readsInstructions = true
        let guided = model.guided(towards: "bb", awayFrom: "aaaa", gamma: 1.5)
        let start = try await guided.startDecoding(Request(.completion("c")))
        let row = start.logits.values
        #expect(row[1] > row[0])
        #expect(guided.fusion.weights == .asWritten([1.5, -0.5]))
    }
}
