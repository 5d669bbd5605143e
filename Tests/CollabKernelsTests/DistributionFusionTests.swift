import Testing

@testable import CollabKernels

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite("Fusion arithmetic")
struct DistributionFusionTests {
    /// Lengths around the vector and block sizes.
    static let lengths = [1, 2, 15, 16, 17, 31, 33, 1023, 1024, 1025, 5000]

    func row(_ count: Int, seed: UInt64, scale: Float = 20) -> [Float] {
        var state = seed &* 2_862_933_555_777_941_757 &+ 3_037_000_493
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (Float(state >> 40) / Float(1 << 24) - 0.5) * scale
        }
    }

    @Test("every level gives the same bits", arguments: lengths)
    func levels(_ count: Int) {
        let rows = (0..<3).map { row(count, seed: UInt64($0) + 1) }
        let outputs = KernelLevel.supported.map { level -> [[UInt32]] in
            let masked = rows[0].withUnsafeBufferPointer {
                Distribution.atLeast(3, of: $0, level: level)
            }
            let fused = Distribution.fuseLogLinear(rows, weights: [1, 1.5, -1.5], level: level)
            let mixed = Distribution.fuseLinear(rows, shifts: [-8, -9, -10], level: level)
            let sum = rows[0].withUnsafeBufferPointer {
                Distribution.exponentialSum($0, maximum: 10, scale: 0.7, level: level)
            }
            let expectations = Distribution.expectations(
                of: rows,
                under: rows[0],
                normalizer: 12,
                level: level
            )
            let doubles = ([sum] + expectations).flatMap {
                [UInt32(truncatingIfNeeded: $0.bitPattern), UInt32(truncatingIfNeeded: $0.bitPattern >> 32)]
            }
            return [fused, mixed, masked].map { $0.map(\.bitPattern) } + [doubles]
        }
        for output in outputs { #expect(output == outputs[0]) }
    }

    @Test("sums, logarithms and exponentials are right to single precision", arguments: lengths)
    func precision(_ count: Int) {
        let rows = (0..<3).map { row(count, seed: UInt64($0) + 7, scale: 40) }
        let shifts: [Float] = [-20, -21.5, -19]
        let mixed = Distribution.fuseLinear(rows, shifts: shifts)
        let sum = rows[0].withUnsafeBufferPointer { Distribution.exponentialSum($0, maximum: 20, scale: 1.3) }
        var expected = 0.0
        for v in 0..<count {
            let exact = log((0..<3).reduce(0) { $0 + exp(Double(rows[$1][v]) + Double(shifts[$1])) })
            #expect(abs(Double(mixed[v]) - exact) < 2e-6 * max(1, abs(exact)))
            expected += exp((Double(rows[0][v]) - 20) * 1.3)
        }
        #expect(abs(sum - expected) < 2e-6 * expected)
    }

    @Test("masked elements stay masked and NaN is carried on")
    func special() {
        let infinity = Float.infinity
        let fused = Distribution.fuseLogLinear([[0, -infinity, 1], [2, 3, -infinity]], weights: [2, -1])
        #expect(fused == [-2, -infinity, -infinity])
        #expect(Distribution.fuseLogLinear([[.nan, 1]], weights: [1])[0].isNaN)
        let mixed = Distribution.fuseLinear(
            [[-infinity, -infinity, 0], [-infinity, 0, .nan]],
            shifts: [0, 0]
        )
        #expect(mixed[0] == -infinity && abs(mixed[1]) < 1e-7 && mixed[2].isNaN)
        // Far apart: the smaller one vanishes without a trace, and nothing overflows.
        #expect(Distribution.fuseLinear([[0], [-1000]], shifts: [0, 0]) == [0])
        #expect(Distribution.fuseLinear([[3e38]], shifts: [0]) == [3e38])
    }

    @Test("what does not reach a threshold is impossible")
    func threshold() {
        let values: [Float] = [1, 2, -.infinity, 4, .nan]
        let kept = values.withUnsafeBufferPointer { Distribution.atLeast(2, of: $0) }
        #expect(kept == [-.infinity, 2, -.infinity, 4, -.infinity])
    }

    @Test("a draw finds the element at its share of the mass", arguments: lengths)
    func draw(_ count: Int) {
        let values = row(count, seed: 9, scale: 4)
        let weights = values.map { exp(Double($0)) }
        let whole = weights.reduce(0, +)
        var reached = 0.0
        for index in values.indices {
            let middle = (reached + weights[index] / 2) / whole
            reached += weights[index]
            let drawn = values.withUnsafeBufferPointer {
                Distribution.draw($0, maximum: 2, scale: 1, unit: middle)
            }
            #expect(drawn == index)
        }
    }

    @Test("a draw never hits what has no mass")
    func drawMasked() {
        let values: [Float] = [-.infinity, 0, -.infinity, 0, -.infinity]
        func draw(_ unit: Double) -> Int? {
            values.withUnsafeBufferPointer { Distribution.draw($0, maximum: 0, scale: 1, unit: unit) }
        }
        #expect(draw(0) == 1)
        #expect(draw(0.4999) == 1)
        #expect(draw(0.5) == 3)
        #expect(draw(1.0.nextDown) == 3)
        let nothing: [Float] = [.nan, 0]
        #expect(
            nothing.withUnsafeBufferPointer { Distribution.draw($0, maximum: 0, scale: 1, unit: 0) } == nil
        )
    }
}
