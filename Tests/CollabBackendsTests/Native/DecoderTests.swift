import Collab
import CollabBackends
import Testing

/// What decoders promise: the same numbers, bit by bit, whichever way a text gets into the model.
@Suite struct DecoderTests {
    private static let prompt: [TokenID] = (0..<90).map { 300 + $0 * 37 % 4000 }
    private static let other: [TokenID] = (0..<75).map { 500 + $0 * 53 % 4000 }

    @Test(arguments: RealModel.allCases)
    func oneTokenAtATimeGivesTheSameLogitsAsAllAtOnce(model: RealModel) async throws {
        let native = try await NativeFixtures.model(model)
        let whole = try await native.makeDecoder().append(Self.prompt, logits: .all)
        let decoder = try await native.makeDecoder()
        for (index, token) in Self.prompt.enumerated() {
            let logits = try await decoder.append(token)
            #expect(logits.values == whole[index].values, "token \(index)")
        }
        #expect(decoder.position == Self.prompt.count)
    }

    @Test func piecesOfAnySizeGiveTheSameLogits() async throws {
        let native = try await NativeFixtures.model(.smolLM2)
        let whole = try await native.makeDecoder().append(Self.prompt, logits: .last)[0]
        for size in [2, 7, 8, 9, 16, 33] {
            let decoder = try await native.makeDecoder()
            var last: Logits?
            var start = 0
            while start < Self.prompt.count {
                let end = min(start + size, Self.prompt.count)
                last = try await decoder.append(Array(Self.prompt[start..<end]), logits: .last).last
                start = end
            }
            #expect(last?.values == whole.values, "pieces of \(size)")
        }
    }

    @Test(arguments: RealModel.allCases)
    func companyInTheBatchChangesNothing(model: RealModel) async throws {
        let native = try await NativeFixtures.model(model)
        let alone = try await greedy(native, Self.other, count: 12)
        let prompts = [Self.other] + (1...4).map { Array(Self.prompt.dropFirst($0 * 3)) }
        let together = try await concurrently(prompts) { (prompt) async throws(CollabError) in
            try await self.greedy(native, prompt, count: 12)
        }
        #expect(together[0].tokens == alone.tokens)
        #expect(together[0].logits.values == alone.logits.values)
    }

    @Test(
        "Neither threads, nor seven others in the batch, nor the pieces of a prompt change a bit of the logits",
        arguments: RealModel.allCases,
        [false, true]
    )
    func bitForBit(model: RealModel, exact: Bool) async throws {
        let two = try await NativeFixtures.model(model, exact: exact)
        let expected = try await greedy(two, Self.other, count: 6)
        for threads in [1, 3] {
            let options = NativeOptions(threads: threads, precision: exact ? .float : .integer)
            let native = try await NativeModel(contentsOf: model.path, options: options)
            let result = try await greedy(native, Self.other, count: 6)
            #expect(result.tokens == expected.tokens, "\(threads) threads")
            #expect(result.logits.values == expected.logits.values, "\(threads) threads")
        }
        let prompts = [Self.other] + (1...7).map { Array(Self.prompt.dropFirst($0 * 11)) }
        let together = try await concurrently(prompts) { (prompt) async throws(CollabError) in
            try await self.greedy(two, prompt, count: 6)
        }
        #expect(together[0].tokens == expected.tokens)
        #expect(together[0].logits.values == expected.logits.values)
        let whole = try await two.makeDecoder().append(Self.other, logits: .last)[0]
        for cuts in [[1], [64], [8, 17], [33, 40, 41], [74]] {
            let decoder = try await two.makeDecoder()
            var last: Logits?
            for (start, end) in zip([0] + cuts, cuts + [Self.other.count]) {
                last = try await decoder.append(Array(Self.other[start..<end]), logits: .last)[0]
            }
            #expect(last?.values == whole.values, "cut at \(cuts)")
        }
    }

    @Test(arguments: RealModel.allCases)
    func aForkGoesItsOwnWay(model: RealModel) async throws {
        let native = try await NativeFixtures.model(model)
        let decoder = try await native.makeDecoder()
        _ = try await decoder.append(Self.prompt, logits: .none)
        let fork = try await decoder.fork()
        let first = try await decoder.append([11, 12, 13], logits: .last)[0]
        let second = try await fork.append([21, 22], logits: .last)[0]
        #expect(decoder.position == Self.prompt.count + 3)
        #expect(fork.position == Self.prompt.count + 2)
        let fresh = try await native.makeDecoder()
        #expect(try await fresh.append(Self.prompt + [11, 12, 13], logits: .last)[0].values == first.values)
        let other = try await native.makeDecoder()
        #expect(try await other.append(Self.prompt + [21, 22], logits: .last)[0].values == second.values)
    }

    @Test(arguments: RealModel.allCases)
    func truncatingUndoesAppending(model: RealModel) async throws {
        let native = try await NativeFixtures.model(model)
        let decoder = try await native.makeDecoder()
        _ = try await decoder.append(Self.prompt, logits: .none)
        let fork = try await decoder.fork()
        for count in [Self.prompt.count, 65, 64, 63, 1] {
            try await decoder.truncate(to: count)
            #expect(decoder.position == count)
            let logits = try await decoder.append(Self.other, logits: .last)[0]
            let fresh = try await native.makeDecoder()
            let tokens = Array(Self.prompt.prefix(count)) + Self.other
            #expect(try await fresh.append(tokens, logits: .last)[0].values == logits.values, "\(count)")
            try await decoder.truncate(to: count)
        }
        // The fork still has what its origin has forgotten.
        let continued = try await fork.append([5], logits: .last)[0]
        let fresh = try await native.makeDecoder()
        #expect(try await fresh.append(Self.prompt + [5], logits: .last)[0].values == continued.values)
    }

    /// Layers with a window give back old keys and values; going back behind them computes them again.
    @Test func truncatingFarBehindTheWindowRecomputes() async throws {
        let native = try await NativeFixtures.model(.gemma3)
        let tokens = (0..<1100).map { TokenID(300 + $0 * 7919 % 5000) }
        let decoder = try await native.makeDecoder()
        _ = try await decoder.append(tokens, logits: .none)
        for count in [1000, 200] {
            try await decoder.truncate(to: count)
            let logits = try await decoder.append([42], logits: .last)[0]
            let fresh = try await native.makeDecoder()
            #expect(
                try await fresh.append(tokens.prefix(count) + [42], logits: .last)[0].values == logits.values
            )
        }
    }

    private func greedy(
        _ native: NativeModel,
        _ prompt: [TokenID],
        count: Int
    ) async throws(CollabError) -> (tokens: [TokenID], logits: Logits) {
        let decoder = try await native.makeDecoder()
        var logits = try await decoder.append(prompt, logits: .last)[0]
        var tokens: [TokenID] = []
        for _ in 0..<count {
            tokens.append(logits.best)
            logits = try await decoder.append(logits.best)
        }
        return (tokens, logits)
    }
}
