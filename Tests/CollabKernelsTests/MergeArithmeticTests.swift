import Testing

@testable import CollabKernels

@Suite("Merge arithmetic")
struct MergeArithmeticTests {
    static let lengths = [1, 7, 8, 9, 63, 64, 65, 1000, 4099]

    func row(_ count: Int, seed: UInt64) -> [Float] {
        var state = seed &* 2_862_933_555_777_941_757 &+ 3_037_000_493
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            // Coarse steps, so that equal magnitudes and zeros occur.
            return Float(Int(state >> 58) - 32) / 64
        }
    }

    /// Runs a kernel on rows and returns its output.
    func run(
        _ rows: [[Float]],
        _ kernel: ([UnsafeBufferPointer<Float>], UnsafeMutableBufferPointer<Float>) -> Void
    ) -> [Float] {
        let memories = rows.map { row in
            let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: row.count)
            _ = memory.initialize(from: row)
            return memory
        }
        defer { memories.forEach { $0.deallocate() } }
        return [Float](unsafeUninitializedCapacity: rows[0].count) { out, count in
            kernel(
                memories.map { UnsafeBufferPointer($0) },
                UnsafeMutableBufferPointer(rebasing: out[..<rows[0].count])
            )
            count = rows[0].count
        }
    }

    @Test("every level gives the same bits", arguments: lengths)
    func levels(_ count: Int) {
        let rows = (0..<4).map { row(count, seed: UInt64($0) + 1) }
        let weights = [0.6, 0.3, -0.2]
        let outputs = KernelLevel.supported.map { level -> [[UInt32]] in
            let sum = run(rows) {
                MergeArithmetic.weighted(Array($0.prefix(3)), weights: weights, into: $1, level: level)
            }
            let added = run(rows) {
                let deltas = Array($0.prefix(3))
                MergeArithmetic.add(deltas, weights: weights, factor: 0.7, to: $0[3], into: $1, level: level)
            }
            let agreed = run(rows) {
                MergeArithmetic.consensus(
                    Array($0.prefix(3)),
                    scales: [1, 2, 1.5],
                    weights: weights,
                    vote: .weighted,
                    combination: .weightedMean,
                    factor: 0.9,
                    base: $0[3],
                    into: $1,
                    level: level
                )
            }
            let dropped = run(rows) {
                _ = $1.initialize(from: $0[0])
                MergeArithmetic.drop($1, first: 13, density: 0.4, key: 99, stream: 2, level: level)
            }
            let sums = rows[0].withUnsafeBufferPointer { a in
                rows[1].withUnsafeBufferPointer { b in
                    let products = MergeArithmetic.products(a, b, level: level)
                    return [products.ab, products.aa, products.bb, MergeArithmetic.l1(a, level: level)]
                }
            }
            return [sum, added, agreed, dropped].map { $0.map(\.bitPattern) }
                + [sums.map { UInt32(truncatingIfNeeded: $0.bitPattern ^ $0.bitPattern >> 32) }]
        }
        for output in outputs { #expect(output == outputs[0]) }
    }

    @Test("the random numbers are Philox4x32-10's")
    func philox() {
        // The published answer for the counter and the key 0; lane 0 holds the halves of words 0, 16, 32 and 48.
        let words: [UInt32] = [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        for (word, number) in words.enumerated() {
            for (half, number) in [number & 0xffff, number >> 16].enumerated() {
                for (density, kept) in [
                    (Double(number) * 0x1p-16, false), (Double(number + 1) * 0x1p-16, true),
                ] {
                    let out = run([[Float](repeating: 1, count: 128)]) {
                        _ = $1.initialize(from: $0[0])
                        MergeArithmetic.drop($1, first: 0, density: density, key: 0, stream: 0)
                    }
                    #expect((out[word * 32 + half] == 1) == kept)
                }
            }
        }
    }

    @Test("what is dropped does not depend on slices")
    func slices() {
        let whole = run([[Float](repeating: 1, count: 1000)]) {
            _ = $1.initialize(from: $0[0])
            MergeArithmetic.drop($1, first: 0, density: 0.5, key: 7, stream: 1)
        }
        for (start, end) in [(0, 1), (1, 64), (63, 65), (100, 613), (999, 1000)] {
            let part = run([[Float](repeating: 1, count: end - start)]) {
                _ = $1.initialize(from: $0[0])
                MergeArithmetic.drop($1, first: start, density: 0.5, key: 7, stream: 1)
            }
            #expect(part == Array(whole[start..<end]))
        }
        let kept = whole.filter { $0 == 1 }.count
        #expect(abs(kept - 500) < 80)
        let other = run([[Float](repeating: 1, count: 1000)]) {
            _ = $1.initialize(from: $0[0])
            MergeArithmetic.drop($1, first: 0, density: 0.5, key: 7, stream: 2)
        }
        #expect(other != whole)
    }

    @Test("all is kept at density 1 and nothing at 0")
    func extremes() {
        for (density, value) in [(1.0, Float(1)), (0, 0)] {
            let out = run([[Float](repeating: 1, count: 300)]) {
                _ = $1.initialize(from: $0[0])
                MergeArithmetic.drop($1, first: 0, density: density, key: 7, stream: 1)
            }
            #expect(out.allSatisfy { $0 == value })
        }
    }

    @Test(
        "selection keeps exactly the largest, ties to the lowest index, whether near ones fit in memory or not",
        arguments: lengths,
        [1 << 20, 2]
    )
    func selection(_ count: Int, _ longest: Int) throws {
        let values = row(count, seed: 5)
        let order = values.indices.sorted { (-abs(values[$0]), $0) < (-abs(values[$1]), $1) }
        for wanted in Set([1, 2, count / 3, count / 2, count - 1, count]) where wanted >= 1 && wanted <= count
        {
            var selection = MagnitudeSelection(count: wanted, longestGathering: longest)
            while !selection.isDone {
                // In blocks of uneven sizes.
                var start = 0
                while start < count {
                    let end = min(start + 37, count)
                    values[start..<end].withUnsafeBufferPointer { selection.add($0) }
                    start = end
                }
                selection.endPass()
            }
            let cut = try #require(selection.cut)
            let kept = Set(order.prefix(wanted))
            for (start, end) in [(0, count), (count / 2, count)] {
                let part = run([Array(values[start..<end])]) {
                    _ = $1.initialize(from: $0[0])
                    MergeArithmetic.trim($1, to: cut, first: start)
                }
                for index in start..<end {
                    #expect(part[index - start] == (kept.contains(index) ? values[index] : 0))
                }
            }
        }
    }

    @Test("the first element that is not finite is found")
    func notFinite() {
        var values = [Float](repeating: 1, count: 3000)
        func first() -> Int? { values.withUnsafeBufferPointer { MergeArithmetic.firstNotFinite($0) } }
        #expect(first() == nil)
        values[2500] = .infinity
        #expect(first() == 2500)
        values[1023] = .nan
        #expect(first() == 1023)
        values[0] = -.infinity
        #expect(first() == 0)
    }
}
