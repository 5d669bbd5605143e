internal import CKernels

/// An instruction set that the kernels are written for.
///
/// Kernels choose ``best`` by themselves; tests and benchmarks name another. The integer sums of all levels are equal
/// bit for bit. So are the float results, because every level adds in the same order, except that ``portable`` rounds
/// twice in a multiply-add on processors whose baseline has no fused one (x86-64).
public enum KernelLevel: String, Sendable, CaseIterable {
    /// Plain C.
    case portable
    /// 64-bit Arm with the dot-product extension.
    case neon
    /// x86-64 with AVX2, FMA and F16C.
    case avx2
    /// x86-64 with AVX-512 and its VNNI dot products.
    case avx512

    /// Whether this processor runs it.
    public var isSupported: Bool { collab_level_supported(raw) }

    /// The fastest that this processor runs.
    public static let best: KernelLevel =
        switch collab_level_best() {
        case COLLAB_LEVEL_AVX512: .avx512
        case COLLAB_LEVEL_AVX2: .avx2
        case COLLAB_LEVEL_NEON: .neon
        default: .portable
        }

    /// Every level that this processor runs, slowest first.
    public static var supported: [KernelLevel] { allCases.filter(\.isSupported) }

    /// Whether bounds from a matrix's high plane save more time than joining its planes takes.
    ///
    /// AVX2 joins them slower than it reads what they save.
    public var gainsFromPlanes: Bool { self == .avx512 || self == .neon }

    var raw: collab_level {
        switch self {
        case .portable: COLLAB_LEVEL_PORTABLE
        case .neon: COLLAB_LEVEL_NEON
        case .avx2: COLLAB_LEVEL_AVX2
        case .avx512: COLLAB_LEVEL_AVX512
        }
    }
}
