import Testing

@testable import CollabKernels

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Attention over paged caches against float64 sums.
@Suite struct AttentionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var kvHeads: Int
        var group: Int
        var dimension: Int
        var window: Int?
        var softcap: Float = 0
        var format = KeyValueFormat.float16

        var testDescription: String {
            "\(kvHeads)×\(group) heads of \(dimension), window \(window.map(String.init) ?? "none"), "
                + "softcap \(softcap), \(format.rawValue)"
        }
    }

    static let cases: [Case] = [
        Case(kvHeads: 3, group: 3, dimension: 64, window: nil),
        Case(kvHeads: 1, group: 4, dimension: 256, window: 100),
        Case(kvHeads: 2, group: 1, dimension: 80, window: nil, format: .float32),
        Case(kvHeads: 1, group: 7, dimension: 36, window: 33, softcap: 5),
        Case(kvHeads: 1, group: 2, dimension: 1, window: nil, format: .float32),
        Case(kvHeads: 3, group: 3, dimension: 64, window: nil, format: .int8),
        Case(kvHeads: 1, group: 4, dimension: 256, window: 100, format: .int8),
        Case(kvHeads: 2, group: 7, dimension: 36, window: 33, softcap: 5, format: .int8),
    ]

    @Test(arguments: cases, KernelLevel.supported)
    func `a causal prompt attends as the definition says`(testCase: Case, level: KernelLevel) throws {
        let cache = Cache(testCase, positions: 201)
        let prompt = cache.attend(Array(0..<201), level: level)
        for token in stride(from: 0, to: 201, by: 8) {
            let exact = cache.reference(token)
            let row = prompt[token]
            for (value, expected) in zip(row, exact) {
                #expect(abs(Double(value) - expected) < 3e-6, "token \(token)")
            }
        }
    }

    @Test(arguments: cases, KernelLevel.supported)
    func `one query at a time equals the whole prompt bit for bit`(testCase: Case, level: KernelLevel) throws
    {
        let cache = Cache(testCase, positions: 130)
        let prompt = cache.attend(Array(0..<130), level: level)
        for token in [0, 1, 15, 16, 63, 64, 65, 127, 128, 129] {
            let alone = cache.attend([token], level: level)[0]
            #expect(alone.map(\.bitPattern) == prompt[token].map(\.bitPattern), "token \(token)")
        }
        for width in [2, 5, 17] {
            let some = cache.attend(Array(100..<100 + width), level: level)
            #expect(some == Array(prompt[100..<100 + width]))
        }
    }

    @Test(arguments: KernelLevel.supported)
    func `any split of the query heads gives the same bits`(level: KernelLevel) {
        let cache = Cache(Case(kvHeads: 2, group: 3, dimension: 32, window: 50), positions: 90)
        let tokens = Array(60..<90)
        let whole = cache.attend(tokens, level: level)
        for cut in 0...6 {
            #expect(cache.attend(tokens, splitAt: cut, level: level) == whole)
        }
    }

    @Test(arguments: KernelLevel.supported)
    func `pages outside the window are never read`(level: KernelLevel) {
        var testCase = Case(kvHeads: 1, group: 2, dimension: 64, window: 64)
        testCase.window = 64
        var cache = Cache(testCase, positions: 200)
        let before = cache.attend([190], level: level)
        cache.forget(pages: [0])
        #expect(cache.attend([190], level: level) == before)
    }

    @Test(arguments: KernelLevel.supported)
    func `a query that sees nothing gets zeros`(level: KernelLevel) {
        let shape = AttentionShape(kvHeads: 1, headDimension: 16)
        let query = [Float](repeating: 1, count: 16)
        var output = [Float](repeating: .nan, count: 16)
        shape.attend(
            queries: query,
            queryStride: 16,
            queryHeads: 1,
            tokens: 1,
            pages: [nil],
            starts: [5],
            ends: [5],
            scale: 1,
            output: &output,
            outputStride: 16,
            level: level
        )
        #expect(output == [Float](repeating: 0, count: 16))
    }

    @Test(arguments: KernelLevel.supported)
    func `large scores neither overflow nor vanish`(level: KernelLevel) {
        let cache = Cache(
            Case(kvHeads: 1, group: 1, dimension: 16, window: nil, format: .float32),
            positions: 70,
            size: 300
        )
        let result = cache.attend([69], level: level)[0]
        let exact = cache.reference(69)
        for (value, expected) in zip(result, exact) {
            #expect(abs(Double(value) - expected) < 1e-3 * (1 + abs(expected)))
        }
    }

    @Test(arguments: [KeyValueFormat.float16, .float32])
    func `stored positions are read back and copied`(format: KeyValueFormat) {
        let shape = AttentionShape(kvHeads: 2, headDimension: 24, format: format)
        let page = UnsafeMutableRawPointer.allocate(byteCount: shape.pageBytes, alignment: 64)
        let copy = UnsafeMutableRawPointer.allocate(byteCount: shape.pageBytes, alignment: 64)
        defer {
            page.deallocate()
            copy.deallocate()
        }
        // Eighths are exact in half precision.
        func row(_ slot: Int, _ offset: Int) -> [Float] { (0..<48).map { Float($0 * 3 + slot + offset) / 8 } }
        for slot in 0..<64 { shape.store(keys: row(slot, 0), values: row(slot, 100), slot: slot, of: page) }
        shape.copy(slots: 37, of: page, into: copy)
        for slot in 0..<64 {
            for source in slot < 37 ? [page, copy] : [page] {
                var keys = [Float](repeating: 0, count: 48)
                var values = keys
                shape.load(slot: slot, of: source, keys: &keys, values: &values)
                #expect(keys == row(slot, 0))
                #expect(values == row(slot, 100))
            }
        }
    }
}

/// Keys and values as bytes.
@Suite struct ByteCacheTests {
    private let shape = AttentionShape(kvHeads: 2, headDimension: 40, format: .int8)

    @Test(arguments: KernelLevel.supported)
    func `each head's keys and values of a position are rounded by their own factor`(level: KernelLevel) {
        let page = UnsafeMutableRawPointer.allocate(byteCount: shape.pageBytes, alignment: 64)
        let copy = UnsafeMutableRawPointer.allocate(byteCount: shape.pageBytes, alignment: 64)
        copy.initializeMemory(as: UInt8.self, repeating: 0, count: shape.pageBytes)
        defer {
            page.deallocate()
            copy.deallocate()
        }
        var random = TestRandom(seed: 7)
        // Positions and heads differ in size by orders of magnitude.
        var rows: [[[Float]]] = []
        for slot in 0..<64 {
            var row: [[Float]] = []
            for part in 0..<2 {
                var values = random.floats(80)
                for index in values.indices {
                    values[index] *= powf(10, Float(slot % 7 - 3 + part + index / 40))
                }
                row.append(values)
            }
            rows.append(row)
        }
        for (slot, row) in rows.enumerated() {
            shape.store(keys: row[0], values: row[1], slot: slot, of: page, level: level)
        }
        shape.copy(slots: 37, of: page, into: copy)
        for slot in 0..<64 {
            for source in slot < 37 ? [page, copy] : [page] {
                var (keys, values) = ([Float](repeating: 0, count: 80), [Float](repeating: 0, count: 80))
                shape.load(slot: slot, of: source, keys: &keys, values: &values)
                let read = [keys, values]
                for part in 0..<2 {
                    for head in 0..<2 {
                        let exact = rows[slot][part][head * 40..<(head + 1) * 40]
                        let step = (exact.map(abs).max() ?? 0) / 127
                        for (value, wanted) in zip(read[part][head * 40..<(head + 1) * 40], exact) {
                            #expect(abs(value - wanted) <= step * 0.5001)
                        }
                    }
                }
            }
        }
    }

    @Test(arguments: KernelLevel.supported)
    func `zeros stay zeros, and what is no number is passed on`(level: KernelLevel) {
        let page = UnsafeMutableRawPointer.allocate(byteCount: shape.pageBytes, alignment: 64)
        defer { page.deallocate() }
        let zeros = [Float](repeating: 0, count: 80)
        var (keys, values) = (zeros, zeros)
        shape.store(keys: zeros, values: zeros, slot: 3, of: page, level: level)
        shape.load(slot: 3, of: page, keys: &keys, values: &values)
        #expect(keys == zeros && values == zeros)
        var broken = zeros
        broken[45] = .infinity
        shape.store(keys: broken, values: zeros, slot: 3, of: page, level: level)
        shape.load(slot: 3, of: page, keys: &keys, values: &values)
        #expect(keys[..<40].allSatisfy { $0 == 0 } && keys[40...].allSatisfy(\.isNaN))
    }

    @Test func `a page takes a little more than half of one in 16-bit floats`() {
        for dimension in [64, 128, 256] {
            let half = AttentionShape(kvHeads: 3, headDimension: dimension).pageBytes
            let bytes = AttentionShape(kvHeads: 3, headDimension: dimension, format: .int8).pageBytes
            #expect(bytes * 100 <= half * 54)
        }
    }
}

/// A filled cache with its float64 twin.
private struct Cache {
    let testCase: AttentionTests.Case
    let shape: AttentionShape
    private let storage: [Page]
    private var pages: [UnsafeRawPointer?]
    private let keys: [[Float]]
    private let values: [[Float]]
    private let queries: [[Float]]

    final class Page {
        let memory: UnsafeMutableRawPointer
        init(bytes: Int) {
            memory = .allocate(byteCount: bytes, alignment: 64)
            memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        }
        deinit { memory.deallocate() }
    }

    init(_ testCase: AttentionTests.Case, positions: Int, size: Float = 1) {
        self.testCase = testCase
        shape = AttentionShape(
            kvHeads: testCase.kvHeads,
            headDimension: testCase.dimension,
            format: testCase.format
        )
        var random = TestRandom(seed: 42)
        let width = testCase.kvHeads * testCase.dimension
        let stored = (0..<2 * positions).map { _ in random.floats(width).map { $0 * size } }
        queries = (0..<positions).map { _ in random.floats(width * testCase.group).map { $0 * size } }
        var storage: [Page] = []
        var keys: [[Float]] = []
        var values: [[Float]] = []
        for position in 0..<positions {
            if position % 64 == 0 { storage.append(Page(bytes: shape.pageBytes)) }
            let page = storage[position / 64].memory
            shape.store(
                keys: stored[2 * position],
                values: stored[2 * position + 1],
                slot: position % 64,
                of: page
            )
            var k = [Float](repeating: 0, count: width)
            var v = k
            shape.load(slot: position % 64, of: page, keys: &k, values: &v)
            keys.append(k)
            values.append(v)
        }
        self.storage = storage
        self.keys = keys
        self.values = values
        pages = storage.map { UnsafeRawPointer($0.memory) }
    }

    mutating func forget(pages indices: [Int]) {
        for index in indices { pages[index] = nil }
    }

    private func start(_ token: Int) -> Int { testCase.window.map { max(0, token + 1 - $0) } ?? 0 }

    private var scale: Float { 1 / Float(testCase.dimension).squareRoot() }

    func attend(_ tokens: [Int], splitAt cut: Int? = nil, level: KernelLevel) -> [[Float]] {
        let width = testCase.kvHeads * testCase.group * testCase.dimension
        let flat = tokens.flatMap { queries[$0] }
        var output = [Float](repeating: .nan, count: tokens.count * width)
        let heads = testCase.kvHeads * testCase.group
        for range in cut.map({ [0..<$0, $0..<heads] }) ?? [nil] as [Range<Int>?] {
            shape.attend(
                queries: flat,
                queryStride: width,
                queryHeads: heads,
                tokens: tokens.count,
                pages: pages,
                starts: tokens.map { Int32(start($0)) },
                ends: tokens.map { Int32($0 + 1) },
                scale: scale,
                softcap: testCase.softcap,
                output: &output,
                outputStride: width,
                queryHeadRange: range,
                level: level
            )
        }
        return (0..<tokens.count).map { Array(output[$0 * width..<($0 + 1) * width]) }
    }

    func reference(_ token: Int) -> [Double] {
        let dimension = testCase.dimension
        var result: [Double] = []
        for head in 0..<testCase.kvHeads * testCase.group {
            let base = head / testCase.group * dimension
            let query = queries[token][head * dimension..<(head + 1) * dimension].map(Double.init)
            let scores = (start(token)...token).map { position in
                var score = 0.0
                for d in 0..<dimension { score += query[d] * Double(keys[position][base + d]) }
                score *= Double(scale)
                let cap = Double(testCase.softcap)
                return cap > 0 ? cap * tanh(score / cap) : score
            }
            let peak = scores.max() ?? 0
            let weights = scores.map { exp($0 - peak) }
            let total = weights.reduce(0, +)
            for d in 0..<dimension {
                var sum = 0.0
                for (offset, weight) in weights.enumerated() {
                    sum += weight * Double(values[start(token) + offset][base + d])
                }
                result.append(sum / total)
            }
        }
        return result
    }
}
