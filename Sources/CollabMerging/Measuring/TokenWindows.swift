public import Collab
import CollabBackends

/// Texts in pieces that a model reads at once.
public enum TokenWindows {
    /// How many tokens a piece has: as many as are asked for, but no more than the model's context holds.
    ///
    /// Throws ``Collab/CollabError`` with what the engine says of a model that it cannot run.
    public static func length(_ asked: Int, for checkpoint: any Checkpoint) throws(CollabError) -> Int {
        min(asked, try TransformerConfiguration(describing: checkpoint).contextLength)
    }
}
