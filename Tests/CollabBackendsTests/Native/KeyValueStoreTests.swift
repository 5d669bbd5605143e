import Collab
import CollabKernels
import Testing

@testable import CollabBackends

/// Blocks of keys and values: shared, copied before they are written, given back.
@Suite struct KeyValueStoreTests {
    private let shape = AttentionShape(kvHeads: 1, headDimension: 16)

    private func pool(limit: Int? = nil) -> KeyValuePool {
        let groups = [LayerGroup(window: nil, layers: [1]), LayerGroup(window: 100, layers: [0, 2])]
        return KeyValuePool(shape: shape, groups: groups, limit: limit)
    }

    private func read(_ sequence: inout KeyValueSequence, _ tokens: Range<Int>) throws {
        sequence.append(tokens.map { TokenID($0) })
        try sequence.reserve(upTo: sequence.count)
        sequence.finish(upTo: sequence.count)
    }

    @Test func aForkSharesWholeBlocksAndCopiesTheOneThatItWritesInto() throws {
        let pool = pool()
        var first = KeyValueSequence(pool: pool)
        try read(&first, 0..<100)
        var second = first
        try read(&second, 100..<101)
        for group in 0..<2 {
            #expect(first.blocks[group][0] === second.blocks[group][0])
            #expect(first.blocks[group][1] !== second.blocks[group][1])
        }
        #expect(first.count == 100)
    }

    @Test func aFullBlockIsNotCopied() throws {
        let pool = pool()
        var first = KeyValueSequence(pool: pool)
        try read(&first, 0..<64)
        var second = first
        try read(&second, 64..<65)
        #expect(first.blocks[0][0] === second.blocks[0][0])
        #expect(first.blocks[0].count == 1)
    }

    @Test func windowLayersGiveBackWhatNobodySees() throws {
        var sequence = KeyValueSequence(pool: pool())
        try read(&sequence, 0..<1000)
        // Positions from 1000 − 100 − slack on are kept.
        let dropped = (1000 - 100 - KeyValueSequence.slack) / 64
        #expect(sequence.blocks[1].prefix { $0 == nil }.count == dropped)
        #expect(sequence.blocks[0].allSatisfy { $0 != nil })
        sequence.truncate(to: 900)
        #expect(sequence.computed == 900)
        sequence.truncate(to: 500)
        #expect(sequence.computed == 0)
        #expect(sequence.count == 500)
        #expect(sequence.pending.count == 500)
    }

    @Test func rememberedTextsMakeRoomAtTheLimit() throws {
        let block = pool().blockBytes(0) + pool().blockBytes(1)
        let pool = pool(limit: 8 * block)
        var old = KeyValueSequence(pool: pool)
        try read(&old, 0..<128)
        pool.prefixes.store(old)
        old = old.emptied()
        #expect(pool.sequence(beginning: (0..<200).map { TokenID($0) }, under: nil)?.computed == 128)
        var new = KeyValueSequence(pool: pool)
        try read(&new, 1000..<1000 + 4 * 64)
        #expect(throws: CollabError.self) { try read(&new, 0..<64 * 64) }
        #expect(pool.sequence(beginning: (0..<200).map { TokenID($0) }, under: nil) == nil)
    }

    @Test("what a long text took in layers without a window becomes room for many short ones")
    func memoryGoesFromLayersToOthers() throws {
        let limit = 44 * pool().blockBytes(0)
        let pool = pool(limit: limit)
        var long = KeyValueSequence(pool: pool)
        for page in 0..<24 { try read(&long, page * 64..<(page + 1) * 64) }
        #expect(pool.bytesInUse > limit * 3 / 4)
        long = long.emptied()
        var short: [KeyValueSequence] = []
        for text in 0..<12 {
            var sequence = KeyValueSequence(pool: pool)
            try read(&sequence, 0..<64)
            sequence.append([TokenID(text)])
            short.append(sequence)
        }
        #expect(short.allSatisfy { $0.computed == 64 })
        #expect(pool.bytesInUse <= limit)
    }

    @Test func theLongestBeginningIsFound() throws {
        let pool = pool()
        for end in [40, 90] {
            var sequence = KeyValueSequence(pool: pool)
            try read(&sequence, 0..<end)
            sequence.append([TokenID(5000 + end)])
            try sequence.reserve(upTo: sequence.count)
            sequence.finish(upTo: sequence.count)
            pool.prefixes.store(sequence)
        }
        let found = pool.sequence(beginning: (0..<300).map { TokenID($0) }, under: nil)
        #expect(found?.computed == 90)
        #expect(found?.tokens == (0..<90).map { TokenID($0) })
        // The last token is always computed, since its logits are wanted.
        #expect(pool.sequence(beginning: (0..<60).map { TokenID($0) }, under: nil)?.computed == 59)
        #expect(pool.sequence(beginning: (0..<10).map { TokenID($0) }, under: nil) == nil)
        pool.prefixes.removeAll()
        #expect(pool.sequence(beginning: (0..<300).map { TokenID($0) }, under: nil) == nil)
    }
}
