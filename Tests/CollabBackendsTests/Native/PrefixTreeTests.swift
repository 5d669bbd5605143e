import Collab
import CollabKernels
import Testing

@testable import CollabBackends

/// Remembered beginnings, compared with a search through all texts one by one; what a block holds is written into it
/// and read back.
@Suite("Remembered beginnings")
struct PrefixTreeTests {
    private static let shape = AttentionShape(kvHeads: 1, headDimension: 16)

    private static func pool(windows: [Int?] = [nil], limit: Int = 64 << 20) -> KeyValuePool {
        let groups = windows.enumerated().map { LayerGroup(window: $1, layers: [$0]) }
        return KeyValuePool(shape: shape, groups: groups, limit: nil, promptCacheLimit: limit)
    }

    /// Reads tokens as the engine does; the keys of a position are its token.
    private static func read(_ sequence: inout KeyValueSequence, _ tokens: some Sequence<TokenID>) throws {
        sequence.append(Array(tokens))
        let start = sequence.computed
        try sequence.reserve(upTo: sequence.count)
        for position in start..<sequence.count {
            let vector = [Float](repeating: Float(sequence.tokens[position]), count: 16)
            for group in sequence.blocks {
                guard let block = group[position / 64] else { continue }
                shape.store(keys: vector, values: vector, slot: position % 64, of: block.memory)
            }
        }
        sequence.finish(upTo: sequence.count)
    }

    private static func text(_ tokens: [TokenID], in pool: KeyValuePool) throws -> KeyValueSequence {
        var sequence =
            pool.sequence(beginning: tokens, under: nil) ?? KeyValueSequence(pool: pool, adapters: nil)
        try read(&sequence, tokens[sequence.count...])
        return sequence
    }

    /// Whether everything that the position behind a sequence sees has been written for its own tokens.
    private static func isSound(_ sequence: KeyValueSequence, windows: [Int?]) -> Bool {
        var (key, value) = ([Float](repeating: 0, count: 16), [Float](repeating: 0, count: 16))
        for (group, window) in windows.enumerated() {
            for position in max(0, sequence.computed - (window ?? .max) + 1)..<sequence.computed {
                guard let block = sequence.blocks[group][position / 64] else { return false }
                shape.load(slot: position % 64, of: block.memory, keys: &key, values: &value)
                let wanted = Float(sequence.tokens[position])
                if !key.allSatisfy({ $0 == wanted }) || !value.allSatisfy({ $0 == wanted }) { return false }
            }
        }
        return true
    }

    /// Texts of few different tokens, most of which begin like an earlier one and part from it somewhere.
    private static func texts(_ count: Int, seed: UInt64) -> [[TokenID]] {
        var random = SeededGenerator(seed: seed)
        var texts: [[TokenID]] = []
        for _ in 0..<count {
            var text: [TokenID] = []
            if let earlier = texts.randomElement(using: &random), Int.random(in: 0..<8, using: &random) > 0 {
                text = Array(earlier.prefix(Int.random(in: 0...earlier.count, using: &random)))
            }
            let length = Int.random(in: 1...200, using: &random)
            text += (0..<length).map { _ in TokenID(Int.random(in: 1...3, using: &random)) }
            texts.append(Array(text.prefix(500)))
        }
        return texts
    }

    private static func common(_ first: [TokenID], _ second: [TokenID]) -> Int {
        zip(first, second).prefix { $0 == $1 }.count
    }

    @Test("the longest beginning is found among many", arguments: [1, 2, 3] as [UInt64])
    func many(seed: UInt64) throws {
        let pool = Self.pool()
        var known: [[TokenID]] = []
        for text in Self.texts(300, seed: seed) {
            let most = known.map { min(Self.common($0, text), text.count - 1) }.max() ?? 0
            let found = pool.sequence(beginning: text, under: nil)
            #expect(found?.computed ?? 0 == (most < PrefixCache.shortestPrefix ? 0 : most))
            if let found { #expect(Self.isSound(found, windows: [nil])) }
            let sequence = try Self.text(text, in: pool)
            pool.prefixes.store(sequence)
            if text.count >= PrefixCache.shortestPrefix { known.append(text) }
        }
        // Texts are not kept twice.
        let statistics = pool.prefixes.statistics
        #expect(statistics.hits > 200 && statistics.evictions == 0)
        #expect(statistics.bytes < known.reduce(0) { $0 + ($1.count + 63) / 64 } * Self.shape.pageBytes)
        pool.prefixes.removeAll()
        #expect(pool.prefixes.statistics.bytes == 0 && pool.prefixes.statistics.beginnings == 0)
    }

    @Test("what windows have given back is not missed", arguments: [4, 5] as [UInt64])
    func windows(seed: UInt64) throws {
        let windows: [Int?] = [nil, 20, 90]
        let pool = Self.pool(windows: windows)
        var known: [KeyValueSequence] = []
        for text in Self.texts(200, seed: seed) {
            // At least as much as any text alone would give.
            let least = known.map { other in
                let count = min(Self.common(other.tokens, text), text.count - 1)
                return count >= PrefixCache.shortestPrefix && other.keepsEverything(truncatedTo: count)
                    ? count : 0
            }.max()
            let most = known.map { min(Self.common($0.tokens, text), text.count - 1) }.max() ?? 0
            let found = pool.sequence(beginning: text, under: nil)
            #expect((least ?? 0)...max(most, least ?? 0) ~= found?.computed ?? 0)
            if let found {
                #expect(Self.isSound(found, windows: windows))
                for pages in found.blocks { #expect(pages.drop { $0 == nil }.allSatisfy { $0 != nil }) }
            }
            let sequence = try Self.text(text, in: pool)
            pool.prefixes.store(sequence)
            known.append(sequence)
        }
    }

    @Test("texts of the same tokens in another order are told apart, and so are adapters")
    func lookalikes() throws {
        let pool = Self.pool()
        let first = (0..<130).map { TokenID(1 + $0 % 2) }
        pool.prefixes.store(try Self.text(first, in: pool))
        var swapped = first
        swapped.swapAt(70, 71)
        #expect(pool.sequence(beginning: swapped, under: nil)?.computed == 70)
        #expect(pool.sequence(beginning: Array(first.reversed()), under: nil) == nil)
        let adapters = AdapterSet([AdapterSet.Changes(components: 1, rows: [1], updates: [])])
        #expect(pool.sequence(beginning: first, under: adapters) == nil)
        var adapted = KeyValueSequence(pool: pool, adapters: adapters)
        try Self.read(&adapted, first[..<40])
        pool.prefixes.store(adapted)
        #expect(pool.sequence(beginning: first, under: adapters)?.computed == 40)
        #expect(pool.sequence(beginning: first, under: adapters)?.adapters === adapters)
        #expect(pool.sequence(beginning: first, under: nil)?.computed == 129)
    }

    @Test("what has not been used for longest goes first, from the ends of texts on")
    func eviction() throws {
        let page = Self.shape.pageBytes
        let pool = Self.pool(limit: 6 * page)
        func text(_ middle: TokenID, _ end: TokenID) -> [TokenID] {
            Array(repeating: 1, count: 64) + Array(repeating: middle, count: 64)
                + Array(repeating: end, count: 64)
        }
        func count(_ tokens: [TokenID]) -> Int {
            pool.sequence(beginning: tokens + [9], under: nil)?.computed ?? 0
        }
        for tokens in [text(2, 3), text(2, 4), text(5, 3)] {
            pool.prefixes.store(try Self.text(tokens, in: pool))
        }
        // 1, 2, 3, 4 and 5, 3: six blocks, of which none is kept twice.
        #expect(pool.prefixes.statistics.bytes == 6 * page)
        #expect(count(text(2, 3)) == 192)
        pool.prefixes.store(try Self.text(Array(repeating: 7, count: 64), in: pool))
        // 4 was used before all others.
        #expect(pool.prefixes.statistics.bytes == 6 * page && pool.prefixes.statistics.evictions == 1)
        #expect(count(text(2, 4)) == 128)
        #expect(count(text(2, 3)) == 192)
        #expect(count(Array(repeating: 7, count: 64)) == 64)
        // The end that begins with 5 goes next, as the run that it is.
        pool.prefixes.store(try Self.text(Array(repeating: 8, count: 64), in: pool))
        #expect(count(text(5, 3)) == 64)
        #expect(count(text(2, 3)) == 192)
        // A text that is too long to be remembered drives nothing out.
        let before = pool.prefixes.statistics
        pool.prefixes.store(try Self.text((0..<500).map { TokenID(10 + $0) }, in: pool))
        #expect(pool.prefixes.statistics.bytes == before.bytes)
    }

    @Test("room is made by what nobody else holds")
    func held() throws {
        let page = Self.shape.pageBytes
        let groups = [LayerGroup(window: nil, layers: [0])]
        let pool = KeyValuePool(shape: Self.shape, groups: groups, limit: 4 * page)
        var held: KeyValueSequence? = try Self.text(Array(repeating: 1, count: 128), in: pool)
        pool.prefixes.store(try #require(held))
        pool.prefixes.store(try Self.text(Array(repeating: 2, count: 128), in: pool))
        // The older text is in use, so the younger one makes room.
        _ = try pool.makeBlock(0)
        #expect(pool.sequence(beginning: Array(repeating: 1, count: 128), under: nil) != nil)
        #expect(pool.sequence(beginning: Array(repeating: 2, count: 128), under: nil) == nil)
        held = nil
        // A block that has been let go may be taken; nobody's text is lost.
        let blocks = try (0..<4).map { _ in try pool.makeBlock(0) }
        #expect(blocks.count == 4 && pool.prefixes.statistics.bytes == 0)
    }

    @Test(
        "bounded memory holds through many texts, whatever is stored and found",
        arguments: [6, 7] as [UInt64]
    )
    func bounded(seed: UInt64) throws {
        let windows: [Int?] = [nil, 40]
        let limit = 40 * Self.shape.pageBytes
        let pool = Self.pool(windows: windows, limit: limit)
        for text in Self.texts(300, seed: seed) {
            let sequence = try Self.text(text, in: pool)
            #expect(Self.isSound(sequence, windows: windows))
            pool.prefixes.store(sequence)
            #expect(pool.prefixes.statistics.bytes <= limit)
        }
        let statistics = pool.prefixes.statistics
        #expect(statistics.evictions > 50 && statistics.tokensSaved > 1000)
    }

    @Test(
        "what is gone on with after a remembered beginning is what is computed without one, bit for bit",
        arguments: ["llama", "gemma3"]
    )
    func continuations(name: String) async throws {
        let checkpoint = try TinyModels.checkpoint(name).setting(["max_position_embeddings": .integer(512)])
        let options = NativeOptions(threads: 1, weightFormat: .eightBit)
        let model = try await TinyModels.model(checkpoint, options: options)
        var small = options
        small.promptCacheLimit = 5 * model.engine.keyValues.blockBytes(0)
        var none = options
        none.promptCacheLimit = 0
        let crowded = try await TinyModels.model(checkpoint, options: small)
        let alone = try await TinyModels.model(checkpoint, options: none)
        let base = (0..<200).map { TokenID(3 + $0 * 7 % 70) }
        var saved = 0
        for (index, count) in [150, 16, 63, 64, 65, 100, 127, 128, 129, 150, 40].enumerated() {
            let tokens = Array(base[..<count]) + [TokenID(10 + index), 5, TokenID(20 + index)]
            let expected = try await alone.startDecoding(reading: tokens)
            #expect(expected.cachedTokens == 0)
            let next = try await expected.decoder.append([7, 8], logits: .all)
            for model in [model, crowded] {
                let start = try await model.startDecoding(reading: tokens)
                #expect(start.logits.values == expected.logits.values, "\(count) tokens")
                let fork = try await start.decoder.fork()
                for decoder in [start.decoder, fork] {
                    let rows = try await decoder.append([7, 8], logits: .all)
                    #expect(rows.map(\.values) == next.map(\.values), "\(count) tokens")
                }
                saved += start.cachedTokens
            }
        }
        #expect(saved > 0)
        let statistics = model.promptCache
        #expect(statistics.lookups == 11 && statistics.hits == 10)
        #expect(alone.promptCache.hits == 0 && alone.promptCache.bytes == 0)
        #expect(crowded.promptCache.bytes <= small.promptCacheLimit)
    }

    @Test("a negative limit is refused")
    func negative() async throws {
        let error = await #expect(throws: CollabError.self) {
            try await TinyModels.model(
                try TinyModels.checkpoint("llama"),
                options: NativeOptions(promptCacheLimit: -1)
            )
        }
        #expect(error?.code == .invalidRequest)
    }
}
