import Foundation
import Testing

@testable import CollabKernels

/// Dequantisation against values computed by gguf-py, and quantisation against its own bounds.
@Suite struct TensorConversionTests {
    private struct Golden: Decodable {
        struct Row: Decodable {
            var first16: [Double]
            var last4: [Double]
            var sum: Double
            var l2: Double
            var dot_sin: Double
        }
        struct Tensor: Decodable {
            var model: String
            var tensor: String
            var ggml_type: String
            var ne: [Int]
            var rows: [String: Row]
        }
        var tensors: [Tensor]
    }

    @Test(arguments: [
        ("smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"), ("gemma3", "gemma-3-270m-q4_k_m.gguf"),
    ])
    func `rows of real models equal the reference`(model: String, file: String) throws {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(
            path: "Fixtures/dequant.json"
        )
        let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: url))
        let gguf = try GGUFTensors(model: file)
        var checked = 0
        for expected in golden.tensors where expected.model == model {
            let tensor = try #require(gguf.tensors[expected.tensor], "\(expected.tensor) is not in \(file)")
            #expect(tensor.shape == expected.ne)
            let columns = tensor.shape[0]
            for (index, row) in expected.rows {
                let first = try #require(Int(index)) * columns
                var values = [Float](repeating: .nan, count: columns)
                try TensorConversion.dequantize(
                    tensor.format,
                    bytes: gguf.bytes(tensor),
                    elements: first..<first + columns,
                    into: &values
                )
                let exact = values.map(Double.init)
                // The reference is printed with seven decimals (sums with five).
                for (value, printed) in zip(exact, row.first16) { #expect(abs(value - printed) <= 6e-8) }
                for (value, printed) in zip(exact.suffix(4), row.last4) {
                    #expect(abs(value - printed) <= 6e-8)
                }
                #expect(abs(exact.reduce(0, +) - row.sum) < 2e-4 * (1 + abs(row.sum)))
                #expect(abs(exact.reduce(0) { $0 + $1 * $1 }.squareRoot() - row.l2) < 2e-5 * (1 + row.l2))
                var dot = 0.0
                for (j, value) in exact.enumerated() { dot += value * sin(0.37 * Double(j) + 0.1) }
                #expect(abs(dot - row.dot_sin) < 2e-4 * (1 + abs(row.dot_sin)))
                checked += 1
            }
        }
        #expect(checked > 10)
    }

    @Test func `half precision survives a round trip through every level`() throws {
        let halves = (0...UInt16.max).map { $0 }
        let bytes = halves.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
        for level in KernelLevel.supported {
            let floats = try bytes.withUnsafeBytes {
                try TensorConversion.dequantize(.f16, bytes: $0, count: halves.count, level: level)
            }
            let back = try TensorConversion.quantize(floats, as: .f16, level: level)
            for (index, half) in halves.enumerated() {
                #if !(os(macOS) && arch(x86_64))
                    let expected = Float(Float16(bitPattern: half))
                    #expect(floats[index] == expected || (floats[index].isNaN && expected.isNaN))
                #endif
                let returned = UInt16(back[2 * index]) | UInt16(back[2 * index + 1]) << 8
                #expect(returned == half || floats[index].isNaN)
            }
        }
    }

    @Test func `rounding to half precision goes to the nearest, ties to even`() throws {
        var random = TestRandom(seed: 8)
        var values = (0..<20_000).map { _ in
            Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &random))
        }
        let edges: [Float] = [
            65504, 65519.996, 65520, 65536, 6e-8, 2.98e-8, 2.99e-8, 5.96e-8, 1.0004883, 6.1e-5,
        ]
        values += edges
        values += values.map { (value: Float) in -value }
        for level in KernelLevel.supported {
            let bytes = try TensorConversion.quantize(values, as: .f16, level: level)
            for (index, value) in values.enumerated() where !value.isNaN {
                #if !(os(macOS) && arch(x86_64))
                    let half = UInt16(bytes[2 * index]) | UInt16(bytes[2 * index + 1]) << 8
                    #expect(half == Float16(value).bitPattern, "\(value) at \(level)")
                #endif
            }
        }
    }

    @Test func `rounding to bfloat16 goes to the nearest, ties to even`() throws {
        let values: [Float] = [1, 1.00390625, 1.01171875, -1.00390625, .infinity, .nan, 3.4e38]
        let bytes = try TensorConversion.quantize(values, as: .bf16)
        var words: [UInt32] = []
        for i in values.indices { words.append(UInt32(bytes[2 * i]) | UInt32(bytes[2 * i + 1]) << 8) }
        let back = words.map { Float(bitPattern: $0 << 16) }
        #expect(back[0] == 1 && back[1] == 1 && back[2] == 1.015625 && back[3] == -1)
        #expect(back[4] == .infinity && back[5].isNaN && back[6] == .infinity)
    }

    @Test(arguments: [(TensorFormat.q8_0, Float(1) / 127), (.q4_0, Float(1) / 8), (.q4_1, Float(2) / 15)])
    func `quantising stays within half a step`(format: TensorFormat, step: Float) throws {
        var random = TestRandom(seed: 1)
        let values = random.floats(320)
        let bytes = try TensorConversion.quantize(values, as: format)
        let back = try bytes.withUnsafeBytes {
            try TensorConversion.dequantize(format, bytes: $0, count: 320)
        }
        for (value, restored) in zip(values, back) {
            // Q4_0 clips the extreme opposite to its largest value by one step more.
            let bound = format == .q4_0 ? step * 1.01 : step / 2 * 1.02
            #expect(abs(value - restored) <= bound)
        }
        #expect(try TensorConversion.quantize(back, as: format).count == bytes.count)
    }

    @Test func `constant and empty blocks quantise without division by zero`() throws {
        for format in [TensorFormat.q8_0, .q4_0, .q4_1] {
            for value: Float in [0, 0.5] {
                let values = [Float](repeating: value, count: 32)
                let bytes = try TensorConversion.quantize(values, as: format)
                let back = try bytes.withUnsafeBytes {
                    try TensorConversion.dequantize(format, bytes: $0, count: 32)
                }
                for restored in back { #expect(abs(restored - value) < 1e-3) }
            }
            let strange = [Float](repeating: .nan, count: 16) + [Float](repeating: .infinity, count: 16)
            #expect(try TensorConversion.quantize(strange, as: format).count == format.blockBytes)
        }
    }

    @Test func `ranges beyond the tensor and formats without rounding are refused`() {
        let bytes = [UInt8](repeating: 0, count: 68)
        var target = [Float](repeating: 0, count: 256)
        bytes.withUnsafeBytes { raw in
            for range in [0..<96, 1..<32, 0..<31, 64..<96] {
                #expect(throws: KernelError.self) {
                    try TensorConversion.dequantize(.q8_0, bytes: raw, elements: range, into: &target)
                }
            }
            #expect(throws: KernelError.self) {
                try TensorConversion.dequantize(.q8_0, bytes: raw, count: 96)
            }
            #expect(throws: KernelError.self) {
                try PackedMatrix(format: .q8_0, rows: 3, columns: 32, bytes: raw)
            }
            #expect(throws: KernelError.self) {
                try PackedMatrix(format: .q8_0, rows: 1, columns: 33, bytes: raw)
            }
            #expect(throws: KernelError.self) {
                try PackedMatrix(format: .q4_K, rows: 1, columns: 32, bytes: raw)
            }
            #expect(throws: KernelError.self) {
                try PackedMatrix(format: .f32, rows: 0, columns: 32, bytes: raw)
            }
            #expect(throws: KernelError.self) {
                try PackedMatrix(format: .f32, rows: 1 << 40, columns: 1 << 30, bytes: raw)
            }
        }
        #expect(throws: KernelError.self) {
            try TensorConversion.quantize([Float](repeating: 0, count: 255), as: .q6_K)
        }
        #expect(throws: KernelError.self) { try TensorConversion.quantize([1, 2, 3], as: .q8_0) }
    }
}
