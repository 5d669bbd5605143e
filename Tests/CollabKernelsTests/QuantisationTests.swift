import Foundation
import Testing

@testable import CollabKernels

/// Rounding into the blocks of GGUF files, against llama.cpp's own library (`Scripts/fixtures/make_quantised.py`).
@Suite("Quantising equals the reference")
struct QuantisationTests {
    private struct Golden: Decodable {
        var bytes: [String: Data]
        var errors: [String: Double]
    }

    private static func golden() throws -> Golden {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(
            path: "Fixtures/quantised.json"
        )
        return try JSONDecoder().decode(Golden.self, from: Data(contentsOf: url))
    }

    /// x³ / 8 with x from a linear congruential generator, as the script has it.
    private static let values: [Float] = {
        var state: UInt64 = 1
        return (0..<2048).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let x = Float(Int(state >> 40) - 1 << 23) / Float(1 << 23)
            return x * x * x / 8
        }
    }()

    @Test(
        "formats of 32 elements a block give the reference's bytes",
        arguments: [TensorFormat.q8_0, .q4_0, .q4_1, .q5_0, .q5_1]
    )
    func bytes(_ format: TensorFormat) throws {
        let expected = try #require(try Self.golden().bytes[format.rawValue])
        for level in KernelLevel.supported {
            #expect(try TensorConversion.quantize(Self.values, as: format, level: level) == Array(expected))
        }
    }

    @Test(
        "the K formats leave no larger error than the reference",
        arguments: [TensorFormat.q4_K, .q5_K, .q6_K]
    )
    func errors(_ format: TensorFormat) throws {
        let reference = try #require(try Self.golden().errors[format.rawValue])
        let bytes = try TensorConversion.quantize(Self.values, as: format, level: .portable)
        let back = try bytes.withUnsafeBytes {
            try TensorConversion.dequantize(format, bytes: $0, count: Self.values.count)
        }
        let error = zip(back, Self.values).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
        let square = Self.values.reduce(0.0) { $0 + Double($1) * Double($1) }
        #expect((error / square).squareRoot() <= reference * 1.002)
        for level in KernelLevel.supported {
            #expect(try TensorConversion.quantize(Self.values, as: format, level: level) == bytes, "\(level)")
        }
    }

    @Test(
        "constant blocks and strange numbers are quantised without a trap",
        arguments: TensorFormat.allCases
    )
    func extremes(_ format: TensorFormat) throws {
        for value: Float in [0, 0.5, -0.5, 1e-30] {
            let bytes = try TensorConversion.quantize([Float](repeating: value, count: 256), as: format)
            let back = try bytes.withUnsafeBytes {
                try TensorConversion.dequantize(format, bytes: $0, count: 256)
            }
            for restored in back { #expect(abs(restored - value) <= abs(value) / 100 + 1e-29) }
        }
        let strange = (0..<256).map { [Float.nan, .infinity, -.infinity, .greatestFiniteMagnitude][$0 % 4] }
        let size = 256 / format.blockElements * format.blockBytes
        #expect(try TensorConversion.quantize(strange, as: format).count == size)
    }
}
