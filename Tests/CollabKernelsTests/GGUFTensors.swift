import CollabKernels

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Finds tensors in a GGUF file: just enough of the container for these tests, over a read-only map.
final class GGUFTensors {
    struct Tensor {
        var format: TensorFormat
        var shape: [Int]
        var offset: Int
    }

    struct Failure: Error, CustomStringConvertible { let description: String }

    private(set) var tensors: [String: Tensor] = [:]
    private let map: UnsafeRawBufferPointer
    private var cursor = 24

    /// Opens a file of the model cache.
    init(model name: String) throws {
        func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
        #if os(macOS)
            let fallback = (variable("HOME") ?? "") + "/Library/Caches/collab/models"
        #else
            let cache = variable("XDG_CACHE_HOME") ?? (variable("HOME") ?? "") + "/.cache"
            let fallback = cache + "/collab/models"
        #endif
        let path = (variable("COLLAB_MODELS") ?? fallback) + "/" + name
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else {
            throw Failure(description: "The model \(path) is missing: set up the models first (make models).")
        }
        defer { close(descriptor) }
        let size = Int(lseek(descriptor, 0, SEEK_END))
        guard let base = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
            throw Failure(description: "The model \(path) cannot be mapped.")
        }
        map = UnsafeRawBufferPointer(start: base, count: size)
        let tensorCount = Int(map.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        for _ in 0..<Int(map.loadUnaligned(fromByteOffset: 16, as: UInt64.self)) {
            _ = string()
            skipValue(type: read(UInt32.self))
        }
        for _ in 0..<tensorCount {
            let name = string()
            let shape = (0..<Int(read(UInt32.self))).map { _ in Int(read(UInt64.self)) }
            let type = read(UInt32.self)
            let offset = Int(read(UInt64.self))
            guard let format = Self.formats[type] else { continue }
            tensors[name] = Tensor(format: format, shape: shape, offset: offset)
        }
        let start = (cursor + 31) / 32 * 32
        for name in tensors.keys { tensors[name]?.offset += start }
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: map.baseAddress), map.count) }

    /// The stored bytes of a tensor, from its first byte to the end of the file.
    func bytes(_ tensor: Tensor) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: map[tensor.offset...])
    }

    private static let formats: [UInt32: TensorFormat] = [
        0: .f32, 1: .f16, 2: .q4_0, 3: .q4_1, 6: .q5_0, 7: .q5_1, 8: .q8_0, 12: .q4_K, 13: .q5_K, 14: .q6_K,
        30: .bf16,
    ]

    private func read<T: FixedWidthInteger>(_ type: T.Type) -> T {
        defer { cursor += MemoryLayout<T>.size }
        return map.loadUnaligned(fromByteOffset: cursor, as: type)
    }

    private func string() -> String {
        let length = Int(read(UInt64.self))
        defer { cursor += length }
        return String(decoding: map[cursor..<cursor + length], as: UTF8.self)
    }

    private func skipValue(type: UInt32) {
        switch type {
        case 8: _ = string()
        case 9:
            let element = read(UInt32.self)
            for _ in 0..<Int(read(UInt64.self)) { skipValue(type: element) }
        case 0, 1, 7: cursor += 1
        case 2, 3: cursor += 2
        case 4, 5, 6: cursor += 4
        default: cursor += 8
        }
    }
}
