import CollabKernels

/// The matrices of a model, in the order in which a token passes them; the output matrix is last.
struct ModelShape {
    struct Matrix: Hashable {
        var format: TensorFormat
        var rows: Int
        var columns: Int

        /// Stored weights with random integers and sane scales.
        func randomBytes() -> [UInt8] {
            let blockBytes = format.blockBytes
            let blocks = rows * columns / format.blockElements
            var bytes = RandomBytes.bytes(blocks * blockBytes)
            let scales: [Int] =
                switch format {
                case .q8_0, .q4_0, .q5_0: [0]
                case .q4_1, .q5_1, .q4_K, .q5_K: [0, 2]
                case .q6_K: [208]
                case .f32, .f16, .bf16: []
                }
            for block in 0..<blocks {
                for scale in scales {
                    // Half-precision numbers from 2⁻⁶ to 2⁻⁵.
                    bytes[block * blockBytes + scale + 1] = 0x24
                }
            }
            return bytes
        }

        func packed(_ bytes: [UInt8], memory: MatrixMemory, pool: WorkerPool) throws -> PackedMatrix {
            let result = bytes.withUnsafeBytes { raw in
                Result { () throws(KernelError) in
                    try PackedMatrix(
                        format: format,
                        rows: rows,
                        columns: columns,
                        bytes: raw,
                        memory: memory,
                        pool: pool
                    )
                }
            }
            return try result.get()
        }
    }

    var name: String
    var queryHeads: Int
    var kvHeads: Int
    var headDimension: Int
    var matrices: [Matrix]

    static let all = [smolLM2, gemma3]

    /// Every shape and format once, without the output matrix, which a prompt goes through once.
    var kinds: [Matrix] {
        var seen: Set<Matrix> = []
        return matrices.dropLast().filter { seen.insert($0).inserted }
    }

    static let smolLM2 = ModelShape(
        name: "smollm2",
        queryHeads: 9,
        kvHeads: 3,
        headDimension: 64,
        matrices: (0..<30).flatMap { _ in
            [(576, 576), (192, 576), (192, 576), (576, 576), (1536, 576), (1536, 576), (576, 1536)].map {
                Matrix(format: .q4_1, rows: $0.0, columns: $0.1)
            }
        } + [Matrix(format: .q8_0, rows: 49_152, columns: 576)]
    )

    static let gemma3 = ModelShape(
        name: "gemma3",
        queryHeads: 4,
        kvHeads: 1,
        headDimension: 256,
        matrices: (0..<18).flatMap { layer in
            // Nine of the layers keep their values and their way down in more bits.
            let fine = [0, 1, 4, 7, 10, 13, 15, 16, 17].contains(layer)
            return [
                Matrix(format: .q5_0, rows: 1024, columns: 640),
                Matrix(format: .q5_0, rows: 256, columns: 640),
                Matrix(format: fine ? .q8_0 : .q5_0, rows: 256, columns: 640),
                Matrix(format: .q4_K, rows: 640, columns: 1024),
                Matrix(format: .q5_0, rows: 2048, columns: 640),
                Matrix(format: .q5_0, rows: 2048, columns: 640),
                Matrix(format: fine ? .q6_K : .q4_K, rows: 640, columns: 2048),
            ]
        } + [Matrix(format: .q8_0, rows: 262_144, columns: 640)]
    )
}

/// Reproducible random numbers.
enum RandomBytes {
    static func bytes(_ count: Int) -> [UInt8] {
        var state: UInt64 = 1
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            for index in 0..<count {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                buffer[index] = UInt8(truncatingIfNeeded: state >> 40)
            }
            initialized = count
        }
    }

    static func floats(_ count: Int) -> [Float] { bytes(count).map { (Float($0) - 127.5) / 128 } }
}
