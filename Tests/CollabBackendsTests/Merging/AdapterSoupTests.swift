import Collab
import CollabBackends
import Testing

@Suite("A soup of adapters")
struct AdapterSoupTests {
    /// Counts of a, b and c, at unit length.
    private struct Letters: EmbeddingModel {
        let name = "letters"
        let dimension = 3

        func embed(_ texts: [String]) async throws(CollabError) -> [[Float]] {
            texts.map { text in
                let counts = ["a", "b", "c"].map { letter in Float(text.filter { String($0) == letter }.count)
                }
                let length = (counts[0] * counts[0] + counts[1] * counts[1] + counts[2] * counts[2])
                    .squareRoot()
                return counts.map { $0 / length }
            }
        }
    }

    private func soup() async throws -> AdapterSoup {
        var ingredients: [AdapterSoup.Ingredient] = []
        for (name, examples) in [("a", ["a", "ab"]), ("b", ["b"]), ("c", ["c", "cc"])] {
            let module = try LowRankAdapter.Module(path: "layers.0.up", rank: 1, scale: 1, a: [1], b: [1])
            ingredients.append(.init(try LowRankAdapter(name, modules: [module]), examples: examples))
        }
        return try await AdapterSoup(ingredients, comparingBy: Letters())
    }

    @Test("nearness is the mean cosine to the examples, by hand")
    func similarities() async throws {
        let near = try await soup().similarities(to: "ab")
        let half = 0.5.squareRoot()
        for (value, wanted) in zip(near, [(half + 1) / 2, half, 0]) { #expect(abs(value - wanted) < 1e-6) }
    }

    @Test("the nearest adapters count evenly, the others not at all")
    func weights() async throws {
        let soup = try await soup()
        #expect(try await soup.weights(for: "ab", averaging: 1) == [1, 0, 0])
        #expect(try await soup.weights(for: "ab", averaging: 2) == [0.5, 0.5, 0])
        #expect(try await soup.weights(for: "cb", averaging: 2) == [0, 0.5, 0.5])
        #expect(try await soup.weights(for: "c", averaging: 9).allSatisfy { $0 == 1 / Float(3) })
    }

    @Test("an adapter without examples and a soup of none are refused")
    func refusals() async throws {
        let module = try LowRankAdapter.Module(path: "layers.0.up", rank: 1, scale: 1, a: [1], b: [1])
        let adapter = try LowRankAdapter("lonely", modules: [module])
        let error = await #expect(throws: CollabError.self) {
            try await AdapterSoup([.init(adapter, examples: [])], comparingBy: Letters())
        }
        #expect(error?.code == .invalidRequest && error?.message.contains("lonely") == true)
        await #expect(throws: CollabError.self) { try await AdapterSoup([], comparingBy: Letters()) }
        let soup = try await soup()
        await #expect(throws: CollabError.self) { try await soup.weights(for: "a", averaging: 0) }
    }
}
