import Foundation
import Testing

@testable import CollabKernels

/// Q8_0 in two planes. The reference is the same matrix in one piece, whose products are checked against float64.
@Suite struct PlanesTests {
    @Test(arguments: KernelLevel.supported, [(1, 32), (37, 96), (64, 640)])
    func `two planes multiply as one does, bit by bit`(level: KernelLevel, shape: (rows: Int, columns: Int))
        throws
    {
        let (rows, columns) = shape
        var random = TestRandom(seed: UInt64(rows))
        let bytes = RandomTensor.bytes(format: .q8_0, elements: rows * columns, using: &random)
        let (whole, planes) = try matrices(bytes, rows: rows, columns: columns)
        #expect(planes.hasPlanes && !whole.hasPlanes)
        // A byte for each group and block more.
        #expect(planes.byteCount - whole.byteCount <= planes.byteCount / 500)
        for row in 0..<rows {
            var (a, b) = ([Float](repeating: .nan, count: columns), [Float](repeating: .nan, count: columns))
            whole.copyRow(row, into: &a)
            planes.copyRow(row, into: &b)
            #expect(a == b)
        }
        let x = random.floats(11 * columns)
        for precision in Precision.allCases {
            for count in [1, 2, 8, 11] {
                let batch = activations(x, columns, count: count, precision, level)
                #expect(product(whole, batch, level) == product(planes, batch, level))
            }
        }
    }

    @Test(arguments: KernelLevel.supported)
    func `no product is larger than its bound, and bounds are close`(level: KernelLevel) throws {
        for seed in 0..<20 {
            var random = TestRandom(seed: UInt64(seed))
            let (rows, columns) = (seed % 2 == 0 ? 40 : 64, 32 * (1 + seed))
            var bytes = RandomTensor.bytes(format: .q8_0, elements: rows * columns, using: &random)
            // The last rows' low bits are all 0 or all 7, with the activations' signs: the farthest a sum can go.
            let x = random.floats(columns).map {
                seed % 3 == 0 ? ($0 < 0 ? -1 : 1) : $0 * Float(1 << (seed % 20))
            }
            for row in rows - 2..<rows {
                for column in 0..<columns {
                    let place = (row * columns + column) / 32 * 34 + 2 + column % 32
                    bytes[place] = (bytes[place] & 0xf8) | ((x[column] < 0) == (row == rows - 1) ? 7 : 0)
                }
            }
            let (whole, planes) = try matrices(bytes, rows: rows, columns: columns)
            let batch = activations(x, columns, count: 1, .integer, level)
            let y = product(whole, batch, level).map(Float.init(bitPattern:))
            var upper = [Float](repeating: .nan, count: rows)
            planes.upperBounds(batch, groups: 0..<planes.groupCount, into: &upper, level: level)
            for row in 0..<rows {
                #expect(y[row] <= upper[row], "row \(row) of \(rows) × \(columns)")
                // ‖low bits − 3.5‖ of a block is at most 3.5 √32; a block's scale is that of its largest weight or less.
                var most: Float = 0
                for block in 0..<columns / 32 {
                    let place = (row * columns / 32 + block) * 34
                    let scale = try bytes[place..<place + 2].withUnsafeBytes {
                        try TensorConversion.dequantize(.f16, bytes: $0, count: 1)[0]
                    }
                    let part = x[32 * block..<32 * block + 32]
                    let norm = part.reduce(0) { $0 + $1 * $1 }.squareRoot()
                    most += abs(scale) * norm * 3.5 * Float(32).squareRoot()
                }
                #expect(upper[row] - y[row] <= 2.1 * most + 1e-6)
            }
        }
    }

    @Test(arguments: KernelLevel.supported)
    func `what is not finite has no finite bound`(level: KernelLevel) throws {
        var random = TestRandom(seed: 5)
        var bytes = RandomTensor.bytes(format: .q8_0, elements: 32 * 64, using: &random)
        (bytes[2 * 68], bytes[2 * 68 + 1]) = (0x00, 0x7e)
        (bytes[3 * 68], bytes[3 * 68 + 1]) = (0x00, 0xfc)
        let planes = try matrices(bytes, rows: 32, columns: 64).planes
        var x = random.floats(64)
        var upper = [Float](repeating: 0, count: 32)
        planes.upperBounds(
            activations(x, 64, count: 1, .integer, level),
            groups: 0..<2,
            into: &upper,
            level: level
        )
        #expect(upper.indices.filter { !upper[$0].isFinite } == [2, 3])
        x[40] = .nan
        planes.upperBounds(
            activations(x, 64, count: 1, .integer, level),
            groups: 0..<2,
            into: &upper,
            level: level
        )
        #expect(upper.allSatisfy { !$0.isFinite })
    }

    /// A NaN in any row is seen, whichever worker packs it; padding is not.
    @Test(arguments: [nil, 1, 2, 3] as [Int?], [TensorFormat.q8_0, .q4_K, .f32])
    func `a matrix knows while it is packed whether it is finite`(workers: Int?, format: TensorFormat) throws
    {
        let (rows, columns) = (1000, 256)
        var random = TestRandom(seed: 6)
        let bytes = RandomTensor.bytes(format: format, elements: rows * columns, using: &random)
        let rowBytes = columns / format.blockElements * format.blockBytes
        let pool = try workers.map { (workers) throws(KernelError) in try WorkerPool(workers: workers) }
        let finished = Ranges()
        func isFinite(_ bytes: [UInt8]) throws -> Bool {
            try bytes.withUnsafeBytes { raw in
                try PackedMatrix(
                    format: format,
                    rows: rows,
                    columns: columns,
                    bytes: raw,
                    inPlanes: true,
                    pool: pool,
                    finished: { finished.append($0) }
                ).isFinite
            }
        }
        #expect(try isFinite(bytes))
        // Every byte is let go once.
        let parts = finished.sorted
        #expect(parts.first?.lowerBound == 0 && parts.last?.upperBound == bytes.count)
        #expect(zip(parts, parts.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
        for row in [0, 17, 500, 999] {
            var broken = bytes
            // The scale of a block, or the sign, exponent and mantissa of an element.
            let place = row * rowBytes + (format == .f32 ? 2 : 0)
            (broken[place], broken[place + 1]) = (0xff, 0x7f)
            #expect(try !isFinite(broken), "row \(row)")
        }
    }

    @Test func `other formats and very wide matrices stay in one piece`() throws {
        let bytes = [UInt8](repeating: 0, count: 16_416 * 4)
        let (other, wide) = try bytes.withUnsafeBytes {
            (
                try PackedMatrix(format: .q4_1, rows: 1, columns: 64, bytes: $0, inPlanes: true),
                try PackedMatrix(format: .q8_0, rows: 1, columns: 16_416, bytes: $0, inPlanes: true)
            )
        }
        #expect(!other.hasPlanes && !wide.hasPlanes)
    }

    private func matrices(
        _ bytes: [UInt8],
        rows: Int,
        columns: Int
    ) throws -> (whole: PackedMatrix, planes: PackedMatrix) {
        try bytes.withUnsafeBytes {
            (
                try PackedMatrix(format: .q8_0, rows: rows, columns: columns, bytes: $0),
                try PackedMatrix(format: .q8_0, rows: rows, columns: columns, bytes: $0, inPlanes: true)
            )
        }
    }

    private func activations(
        _ x: [Float],
        _ columns: Int,
        count: Int,
        _ precision: Precision,
        _ level: KernelLevel
    ) -> ActivationBatch {
        let batch = ActivationBatch(columns: columns, capacity: count, precisions: [precision])
        batch.count = count
        batch.prepare(rows: 0..<count, from: x, stride: columns, level: level)
        return batch
    }

    private func product(_ matrix: PackedMatrix, _ batch: ActivationBatch, _ level: KernelLevel) -> [UInt32] {
        var y = [Float](repeating: .nan, count: batch.count * matrix.rows)
        matrix.multiply(batch, into: &y, stride: matrix.rows, level: level)
        return y.map(\.bitPattern)
    }
}

/// Ranges that several threads report.
private final class Ranges: @unchecked Sendable {
    private let lock = NSLock()
    private var ranges: [Range<Int>] = []

    func append(_ range: Range<Int>) { lock.withLock { ranges.append(range) } }

    var sorted: [Range<Int>] { lock.withLock { ranges.sorted { $0.lowerBound < $1.lowerBound } } }
}
