/// How much memory the eigenvectors of a symmetric matrix take, by the way in which they are found.
package struct EigenvectorSpace {
    /// Whether the matrix is divided and conquered (`dsyevd`).
    let isDivided: Bool
    /// How many numbers there are in a second matrix, for what cannot be found in the matrix itself.
    let vectors: Int
    /// How many numbers LAPACK works with.
    let work: Int
    /// How many whole numbers it works with.
    let wholeWork: Int
    private let order: Int

    package init(order: Int, dividingUpTo dividedOrder: Int = LinearAlgebra.largestDividedOrder) {
        self.order = order
        isDivided = order <= dividedOrder
        (vectors, work, wholeWork) =
            isDivided
            ? (0, 1 + 6 * order + 2 * order * order, 3 + 5 * order)
            : (order * order, 69 * order + 8192, 12 * order)
    }

    /// How much memory there is at most while they are found, the matrix and the eigenvalues included.
    package var byteCount: Int { 8 * (order * order + order + vectors + work) + 4 * wholeWork }

    /// The most memory for any order up to one: the largest that is divided may take more than a larger one.
    package static func mostBytes(upTo order: Int) -> Int {
        max(
            EigenvectorSpace(order: order).byteCount,
            EigenvectorSpace(order: min(order, LinearAlgebra.largestDividedOrder)).byteCount
        )
    }
}

extension LinearAlgebra {
    /// The largest order that is divided and conquered, unless told otherwise: the work space is 67 MB.
    package static let largestDividedOrder = 2048
}
