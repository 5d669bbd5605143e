import Testing

@testable import CollabKernels

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Searches over logits.
@Suite struct DistributionTests {
    private func vector(_ count: Int, seed: UInt64) -> [Float] {
        var random = TestRandom(seed: seed)
        return random.floats(count).map { ($0 * 400).rounded() / 16 }
    }

    @Test(arguments: KernelLevel.supported, [1, 7, 64, 1000, 49152, 262_144])
    func `ties go to the lower index`(level: KernelLevel, count: Int) {
        let x = vector(count, seed: UInt64(count))
        let order = x.indices.sorted { x[$0] > x[$1] || (x[$0] == x[$1] && $0 < $1) }
        x.withUnsafeBufferPointer { buffer in
            #expect(Distribution.argmax(buffer, level: level) == order[0])
            #expect(Distribution.max(buffer, level: level) == x[order[0]])
            for k in [1, 2, 40, 1024] {
                let top = Distribution.topK(k, of: buffer, level: level)
                #expect(top.map(\.index) == Array(order.prefix(k)))
                #expect(top.map(\.value) == order.prefix(k).map { x[$0] })
            }
        }
    }

    @Test(arguments: KernelLevel.supported)
    func `ascending input is the worst case and still right`(level: KernelLevel) {
        let x = (0..<10_000).map(Float.init)
        x.withUnsafeBufferPointer { buffer in
            #expect(
                Distribution.topK(100, of: buffer, level: level).map(\.index)
                    == Array((9_900..<10_000).reversed())
            )
            #expect(Distribution.argmax(buffer, level: level) == 9_999)
        }
    }

    @Test(arguments: KernelLevel.supported)
    func `NaN loses every comparison`(level: KernelLevel) {
        var x = [Float](repeating: .nan, count: 100)
        x.withUnsafeBufferPointer { buffer in
            #expect(Distribution.argmax(buffer, level: level) == nil)
            #expect(Distribution.topK(5, of: buffer, level: level).isEmpty)
        }
        x[40] = -.infinity
        x[77] = -3
        x.withUnsafeBufferPointer { buffer in
            #expect(Distribution.argmax(buffer, level: level) == 77)
            #expect(Distribution.topK(5, of: buffer, level: level).map(\.index) == [77, 40])
            #expect(Distribution.logSumExp(buffer, level: level).isNaN)
        }
        [Float]().withUnsafeBufferPointer { buffer in
            #expect(Distribution.argmax(buffer, level: level) == nil)
            #expect(Distribution.topK(3, of: buffer, level: level).isEmpty)
            #expect(Distribution.logSumExp(buffer, level: level) == -.infinity)
        }
    }

    @Test(arguments: KernelLevel.supported, [1, 63, 5000, 262_144])
    func `logSumExp agrees with double precision`(level: KernelLevel, count: Int) {
        let x = vector(count, seed: 5)
        let exact = log(x.reduce(0.0) { $0 + exp(Double($1) - 25) }) + 25
        let result = x.withUnsafeBufferPointer { Distribution.logSumExp($0, level: level) }
        #expect(abs(result - exact) < 1e-6)
    }

    @Test(arguments: KernelLevel.supported)
    func `infinite logits have their limits`(level: KernelLevel) {
        func logSumExp(_ x: [Float]) -> Double {
            x.withUnsafeBufferPointer { Distribution.logSumExp($0, level: level) }
        }
        #expect(logSumExp([-.infinity, -.infinity]) == -.infinity)
        #expect(logSumExp([1, .infinity, 2]) == .infinity)
        #expect(abs(logSumExp([-.infinity, 2]) - 2) < 1e-12)
        #expect(abs(logSumExp([-3e38, 3e38]) - Double(Float(3e38))) < 1e-12)
        #expect(logSumExp([.infinity, .nan]).isNaN)
    }

    @Test(arguments: KernelLevel.supported, [0, 1, 63, 64, 4097, 49152, 262_144])
    func `one look finds the sum and the largest element as two looks do`(level: KernelLevel, count: Int) {
        var rows = [vector(count, seed: 9), [Float](repeating: -.infinity, count: count)]
        rows.append([Float](repeating: 2, count: count))
        for place in [0, count / 2, count - 1] where count > 0 {
            for value in [Float.nan, .infinity, -.infinity, 99] {
                rows.append(rows[0])
                rows[rows.count - 1][place] = value
            }
        }
        for row in rows {
            row.withUnsafeBufferPointer { row in
                let summary = Distribution.summary(of: row, level: level)
                let sum = Distribution.logSumExp(row, level: level)
                #expect(summary.logSumExp == sum || (sum.isNaN && summary.logSumExp.isNaN))
                #expect(summary.argmax == Distribution.argmax(row, level: level))
            }
        }
    }

    @Test(arguments: KernelLevel.supported, [0, 1, 15, 16, 17, 49152])
    func `places of large elements are those that a look at each finds`(level: KernelLevel, count: Int) {
        var x = vector(count, seed: 11)
        if count > 16 { (x[3], x[16], x[7]) = (.nan, -.infinity, .infinity) }
        for threshold in [-.infinity, -1e30, x.first ?? 0, 12.5, .infinity] as [Float] {
            let expected = x.indices.filter { x[$0] >= threshold && x[$0] > -.infinity }
            let found = x.withUnsafeBufferPointer {
                Distribution.places(atLeast: threshold, in: $0, level: level)
            }
            #expect(found == expected, "at least \(threshold)")
        }
    }
}
