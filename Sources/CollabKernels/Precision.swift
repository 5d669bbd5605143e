internal import CKernels

/// Which representation of the activations a product reads.
public enum Precision: String, Sendable, CaseIterable {
    /// 8-bit integers with one float scale for each 32 columns: fast, with a relative error of some 0.3 % a product.
    case integer
    /// Single precision: exact up to float rounding.
    case float

    var raw: collab_precision {
        switch self {
        case .integer: COLLAB_INTEGER
        case .float: COLLAB_FLOAT
        }
    }
}
