public import Collab
import CollabKernels

/// The directions in which questions differ most, and the middle that they differ from.
///
/// Learning while asking pays for every number of a question; a few dozen of these axes keep most of what embeddings
/// tell apart. The axes are scaled so that the mean squared length of a projected question is 1.
public struct PrincipalAxes: Hashable, Sendable {
    /// The mean of the questions that the axes were made of.
    public let centre: [Float]
    /// One row an axis, the most telling first.
    public let axes: Table

    /// Takes axes that are known; they are as long as the centre.
    public init(centre: [Float], axes: Table) {
        precondition(axes.columns == centre.count)
        self.centre = centre
        self.axes = axes
    }

    /// Finds axes by the eigenvectors of the covariance.
    ///
    /// - Parameters:
    ///   - questions: embeddings of questions like those to come; no scores are needed.
    ///   - count: how many axes; at most as many as a question has numbers are made.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` if there are no questions or they are all alike, and
    /// `unsupported` where there is no LAPACK.
    public init(of questions: Table, count: Int = 32) throws(CollabError) {
        let (rows, width) = (questions.rows, questions.columns)
        let kept = min(count, width)
        guard rows > 1, kept > 0 else {
            throw CollabError(.invalidRequest, "Axes need at least two questions and one axis.")
        }
        var means = [Double](repeating: 0, count: width)
        for place in questions.values.indices { means[place % width] += Double(questions.values[place]) }
        for column in means.indices { means[column] /= Double(rows) }
        let centred = questions.values.indices.map { Double(questions.values[$0]) - means[$0 % width] }
        var (values, vectors): ([Double], [Double])
        do throws(KernelError) {
            let covariance = try LinearAlgebra.rowSums(centred, columns: width, centred, columns: width)
            (values, vectors) = try LinearAlgebra.symmetricEigenvectors(of: covariance)
        } catch {
            throw CollabError(.unsupported, "The axes of questions could not be found.", cause: error)
        }
        // They come ascending.
        let total = values.suffix(kept).reduce(0, +) / Double(rows)
        guard total > 0, total.isFinite else {
            throw CollabError(.invalidRequest, "Questions that are all alike have no axes.")
        }
        var axes = Table(rows: kept, columns: width)
        for axis in 0..<kept {
            let start = (width - 1 - axis) * width
            for column in 0..<width {
                axes[axis, column] = Float(vectors[start + column] / total.squareRoot())
            }
        }
        self.init(centre: means.map { Float($0) }, axes: axes)
    }

    /// A question's places on the axes.
    func project(_ question: [Float]) -> [Double] {
        (0..<axes.rows).map { axis in
            var sum = 0.0
            for column in centre.indices {
                sum += Double(axes[axis, column]) * Double(question[column] - centre[column])
            }
            return sum
        }
    }
}
