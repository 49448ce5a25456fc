//! Vocabularies that only the API has. The domain's own are in `fleet`.

macro_rules! vocabulary {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$doc])* $variant),* }

        impl $name {
            /// All words.
            pub const ALL: [Self; [$($word),*].len()] = [$(Self::$variant),*];

            /// The word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }
    };
}

vocabulary! {
    /// The outcome of the last call to the identity provider.
    ProviderState {
        /// It responded.
        Reachable = "reachable",
        /// It did not respond.
        Away = "away",
        /// It has not been called yet.
        Unknown = "unknown",
    }
}

vocabulary! {
    /// Whether a metrics sink accepts samples.
    SinkState {
        /// Nothing has been sent to it yet.
        Idle = "idle",
        /// It accepted the last samples.
        Taking = "taking",
        /// It did not accept the last samples; they are queued.
        Failing = "failing",
    }
}

vocabulary! {
    /// The kind of a server-sent event.
    StreamEventKind {
        /// The stream has begun.
        Connected = "connected",
        /// One cluster changed.
        Change = "change",
        /// Clusters sent heartbeats.
        Reported = "reported",
        /// Events may have been missed.
        Resync = "resync",
    }
}

vocabulary! {
    /// What happened to a cluster.
    ChangeKind {
        /// It joined.
        Joined = "joined",
        /// It left or was removed.
        Removed = "removed",
        /// Its configuration changed.
        Configured = "configured",
        /// Its health or its warnings changed.
        Judged = "judged",
    }
}
